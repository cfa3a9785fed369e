// Uploads a file with tus-js-client as its documentation shows; run again, it resumes. Arguments: ENDPOINT FILE CHUNK
// MEMORY. The token comes from SLIPWAY_TOKEN. MEMORY is the file in which the client remembers where its uploads are.

const fs = require('node:fs')
const path = require('node:path')
const tus = require('tus-js-client')

const [endpoint, file, chunk, memory] = process.argv.slice(2)
const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  chunkSize: Number(chunk),
  uploadSize: process.env.PARALLEL ? undefined : fs.statSync(file).size,
  retryDelays: [0, 500, 500, 1000, 1000, 1000, 2000, 2000],
  headers: { Authorization: `Bearer ${process.env.SLIPWAY_TOKEN}` },
  metadata: { filename: path.basename(file), version: process.env.VERSION, channel: 'stable', platform: 'linux' },
  // Half of the file in each of two uploads, to be joined by an extension of the protocol.
  parallelUploads: Number(process.env.PARALLEL || 1),
  metadataForPartialUploads: process.env.PARALLEL ? { filename: 'part.bin', version: process.env.VERSION } : {},
  urlStorage: new tus.FileUrlStorage(memory),
  onError: (error) => {
    console.error(String(error))
    process.exit(1)
  },
  onSuccess: () => process.exit(0),
})

upload.findPreviousUploads().then((previous) => {
  if (previous.length > 0) upload.resumeFromPreviousUpload(previous[0])
  upload.start()
})
