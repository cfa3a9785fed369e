"""Speed of today's programs beside an earlier release's: the two take turns, so that a slow minute hits both."""

import statistics

from slipway_checks import Developer, Platform

import speed


class Beside:
    """Two platforms that run at once, `services` of one of them being of `version`; every measurement alternates between them.

    What is told is a ratio of seconds, today's to the earlier one's: below 1 today's is faster.
    """

    def __init__(self, check, version, services):
        self.check = check
        self.developers = {}
        for name, versions in (("earlier", dict.fromkeys(services, version)), ("today", None)):
            platform = Platform(check, name).start(versions=versions)
            self.developers[name] = Developer(platform)

    def ratios(self, passes, seconds):
        """Of `passes` passes: `seconds(developer, app, number)`, today's by the earlier one's. Who begins takes turns too."""
        found = []
        for number in range(passes):
            taken = {}
            for name in sorted(self.developers, reverse=number % 2 == 1):
                taken[name] = seconds(self.developers[name], number)
            found.append(taken["today"] / taken["earlier"])
        return sorted(found)

    def publish(self, passes, size, times):
        """By the median time of `times` publishes of `size` bytes."""

        def seconds(developer, number):
            app = f"publish-{number}"
            developer.make_app(app)
            return statistics.median(speed.publish(self.check, developer, app, size, times))

        return self.ratios(passes, seconds)

    def upload(self, passes, size):
        path = self.check.folder / "upload.bin"
        speed.write_file(path, size, self.check.random)

        def seconds(developer, number):
            app = f"upload-{number}"
            developer.make_app(app)
            speed.renew(path, self.check.random)
            address = f"http://{developer.address}/api/v1/apps/{app}/packages/upload.bin?platform=any"
            token = f"Authorization: Bearer {developer.token}"
            return speed.curl(self.check, address, "-T", path, "-H", "Expect:", "-H", token)

        return self.ratios(passes, seconds)

    def download(self, passes, content):
        """Of `content`, which is published on both first and fetched once, so that neither checks its blocks while it is timed."""
        paths = {}
        for developer in self.developers.values():
            developer.make_app("download")
            publication = developer.publish("download", "1.0.0", "download.bin", content)
            paths[developer.address] = publication.path
            speed.curl(self.check, f"http://{developer.address}{publication.path}", "-o", "/dev/null")

        def seconds(developer, _):
            return speed.curl(self.check, f"http://{developer.address}{paths[developer.address]}", "-o", "/dev/null")

        return self.ratios(passes, seconds)
