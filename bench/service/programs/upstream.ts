// The server that the measured clients call. Its port is the argument.
import { createServer } from 'node:http'
import { UPSTREAM_BODY } from '../upstream.ts'

const head = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(UPSTREAM_BODY)) }
createServer((_request, response) => {
  response.writeHead(200, head).end(UPSTREAM_BODY)
}).listen(Number(process.argv[2]), '127.0.0.1')

process.once('disconnect', () => process.exit(0))
