"""What schemathesis is told beside its settings; it reads this file itself."""

import schemathesis

# Pieces of tus are bytes.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
