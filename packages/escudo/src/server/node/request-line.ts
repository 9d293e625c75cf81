import { nodeHttp } from './node-http.ts'

const LENGTH_MAX = 65_536
/** Matches request lines. Built from Node's methods when the first request cannot be parsed. */
let linePattern: RegExp | undefined

/**
 * Reads method and URL of a request that Node could not parse, as far as possible.
 *
 * The bytes can begin with other requests, and with a body right before the faulty head. They can also begin in the
 * middle of the head: then nothing can be read.
 *
 * @param packet the bytes that Node was parsing
 * @param bytesParsed where the fault is
 */
export function requestLineOf(
  packet: unknown,
  bytesParsed: unknown,
): { readonly method: string; readonly url: string } {
  const unknown = { method: 'UNKNOWN', url: '' }
  if (!(packet instanceof Uint8Array)) return unknown
  const text = Buffer.from(packet.subarray(0, LENGTH_MAX)).toString('latin1')
  const fault = typeof bytesParsed === 'number' ? bytesParsed : text.length
  // The fault can be in the last bytes of the line itself.
  const last = [...text.matchAll(requestLines())].filter(({ index }) => index <= fault).at(-1)
  if (last === undefined) return unknown
  const [, method = '', url = ''] = last
  // An empty line ends a head. The fault is then behind this request, in bytes that are no request.
  return text.slice(last.index, fault).includes('\r\n\r\n') ? unknown : { method, url }
}

function requestLines(): RegExp {
  if (linePattern === undefined) {
    // Methods that begin like others come first: `PROPFIND` before `PROP`.
    const methods = [...nodeHttp().METHODS].sort((a, b) => b.length - a.length)
    linePattern = new RegExp(`(${methods.join('|')}) (/[^\\s]*)`, 'g')
  }
  return linePattern
}
