#!/usr/bin/env bash
# Publishes SLIPWAY_FILES as one release of SLIPWAY_APP with curl alone: each file into the draft of the version, then the
# draft. A single file needs one call. Run again, it changes nothing.
#
#   SLIPWAY_SERVER   https://apps.example.org        SLIPWAY_TOKEN    slw_…, with the scopes upload and release
#   SLIPWAY_APP      the app's slug                  SLIPWAY_FILES    patterns of the shell, separated by spaces
#   SLIPWAY_VERSION  needed for more than one file   SLIPWAY_CHANNEL  stable where it is not given
set -euo pipefail
: "${SLIPWAY_SERVER:?}" "${SLIPWAY_TOKEN:?}" "${SLIPWAY_APP:?}" "${SLIPWAY_FILES:?}"
channel=${SLIPWAY_CHANNEL:-stable}
version=${SLIPWAY_VERSION:-}
# A plus sign in a query is a space unless it is escaped.
escaped=${version//+/%2B}
app=$SLIPWAY_SERVER/api/v1/apps/$SLIPWAY_APP
shopt -s failglob
# shellcheck disable=SC2206
files=($SLIPWAY_FILES)

# call ARGUMENTS...: the answer on standard output; a refusal's words end the job. The token is not on the command line,
# where every process of the machine could read it.
call() {
  local answer status
  answer=$(curl --silent --show-error --retry 5 --retry-connrefused --write-out '\n%{http_code}' \
    --header @<(printf 'Authorization: Bearer %s\n' "$SLIPWAY_TOKEN") "$@")
  status=${answer##*$'\n'}
  printf '%s\n' "${answer%$'\n'*}"
  [ "$status" -lt 300 ] || { echo "refused with $status" >&2; return 1; }
}

if [ ${#files[@]} -eq 1 ]; then
  name=$(basename "${files[0]}")
  call --upload-file "${files[0]}" "$app/packages/$name?channel=$channel${escaped:+&version=$escaped}"
else
  : "${SLIPWAY_VERSION:?is needed for more than one file}"
  list='' published=0
  for file in "${files[@]}"; do
    name=$(basename "$file")
    answer=$(call --upload-file "$file" "$app/packages/$name?version=$escaped")
    [[ $answer != *'"state":"published"'* ]] || published=$((published + 1))
    list+=${list:+,}$(printf '{"filename":"%s","sha256":"%s"}' "$name" "$(sha256sum <"$file" | cut -d' ' -f1)")
  done
  if [ "$published" -eq ${#files[@]} ]; then
    echo "$version is published with these files"
    exit
  fi
  call --json "{\"version\":\"$version\",\"channel\":\"$channel\",\"files\":[$list]}" "$app/releases"
fi
