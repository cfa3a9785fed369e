#!/usr/bin/env bash
# Publishes SLIPWAY_FILES as one release of SLIPWAY_APP with curl alone: each file into the draft of the version, then the
# draft. A single file needs one call. Run again, it changes nothing.
#
#   SLIPWAY_SERVER   https://apps.example.org        SLIPWAY_TOKEN    slw_…, with the scopes upload and release
#   SLIPWAY_APP      the app's slug                  SLIPWAY_FILES    patterns of the shell, separated by spaces (? for one in a name)
#   SLIPWAY_VERSION  needed for more than one file   SLIPWAY_CHANNEL  stable where it is not given
set -euo pipefail
: "${SLIPWAY_SERVER:?}" "${SLIPWAY_TOKEN:?}" "${SLIPWAY_APP:?}" "${SLIPWAY_FILES:?}"
channel=${SLIPWAY_CHANNEL:-stable}
version=${SLIPWAY_VERSION:-}
app=${SLIPWAY_SERVER%/}/api/v1/apps/$SLIPWAY_APP
shopt -s failglob
# shellcheck disable=SC2206
files=($SLIPWAY_FILES)

# escape TEXT: as a part of an address (RFC 3986), where a # would cut it short and a + is a space.
escape() {
  local LC_ALL=C text=$1 escaped='' character code i
  for ((i = 0; i < ${#text}; i++)); do
    character=${text:i:1}
    case $character in
      [a-zA-Z0-9._~-]) ;;
      *)
        printf -v code %d "'$character"
        printf -v character %%%02X $((code & 255))
        ;;
    esac
    escaped+=$character
  done
  printf %s "$escaped"
}

# call ARGUMENTS...: the answer on standard output; a refusal's words end the job. The token is not on the command line,
# where every process of the machine could read it.
call() {
  local answer status
  answer=$(curl --globoff --silent --show-error --retry 5 --retry-connrefused --write-out '\n%{http_code}' \
    --header @<(printf 'Authorization: Bearer %s\n' "$SLIPWAY_TOKEN") "$@")
  status=${answer##*$'\n'}
  answer=${answer%$'\n'*}
  [ "$status" -lt 300 ] || { printf 'refused with %s: %s\n' "$status" "$answer" >&2; return 1; }
  printf '%s\n' "$answer"
}

# upload FILE [QUERY]: the file under its own name.
upload() { call --upload-file "$1" "$app/packages/$(escape "$(basename "$1")")${2:+?$2}"; }

query=${version:+version=$(escape "$version")}
publish="channel=$channel${query:+&$query}"

if [ ${#files[@]} -eq 1 ]; then
  upload "${files[0]}" "$publish"
  exit
fi
: "${SLIPWAY_VERSION:?is needed for more than one file}"
list='' published=0
for file in "${files[@]}"; do
  answer=$(upload "$file" "$query")
  [[ $answer != *'"state":"published"'* ]] || published=$((published + 1))
  name=$(basename "$file")
  name=${name//\\/\\\\}
  list+=${list:+,}$(printf '{"filename":"%s","sha256":"%s"}' "${name//\"/\\\"}" "$(sha256sum <"$file" | cut -d' ' -f1)")
done
if [ "$published" -eq ${#files[@]} ]; then
  # All of it is published: as with a single file, it joins the channel if it is not there.
  upload "${files[0]}" "$publish"
else
  call --json "{\"version\":\"$version\",\"channel\":\"$channel\",\"files\":[$list]}" "$app/releases"
fi
