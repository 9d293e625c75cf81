/** An answer as its bytes say, so that nothing of a client hides a fault. */
export interface RawAnswer {
  readonly status: number
  /** In the order of their arrival, names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** Whether the whole body arrived: by its length, or by its last chunk. */
  readonly isComplete: boolean
}

/** The value of a header. Several ones are joined. */
export function header({ fields }: Pick<RawAnswer, 'fields'>, name: string): string | undefined {
  const values = fields.filter(([key]) => key === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

/**
 * Reads the answers in the bytes of a connection.
 *
 * @param methods those of the requests: the answer to HEAD has no body
 * @throws Error for bytes that are not HTTP
 */
export function parseAnswers(bytes: Uint8Array, methods: readonly string[]): readonly RawAnswer[] {
  const answers: RawAnswer[] = []
  // Each byte becomes one character, so that positions are those of the bytes.
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end === -1) throw new Error(`expected an answer, got ${JSON.stringify(text.slice(at, at + 200))}`)
    const [line = '', ...rest] = text.slice(at, end).split('\r\n')
    const status = /^HTTP\/1\.1 (\d{3}) ?/.exec(line)?.[1]
    if (status === undefined) throw new Error(`expected the first line of an answer, got ${JSON.stringify(line)}`)
    const fields = rest.map((field) => {
      const colon = field.indexOf(':')
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const
    })
    at = end + 4
    // 100 Continue is no answer yet.
    if (status.startsWith('1')) continue
    const isEmpty = methods[answers.length] === 'HEAD' || status === '204' || status === '304'
    const { body, isComplete, next } = isEmpty ? { body: '', isComplete: true, next: at } : readBody(text, at, fields)
    answers.push({ status: Number(status), fields, body: decode(body), isComplete })
    at = next
  }
  return answers
}

interface Body {
  readonly body: string
  readonly isComplete: boolean
  /** Where the next answer begins. */
  readonly next: number
}

function readBody(text: string, at: number, fields: RawAnswer['fields']): Body {
  if (header({ fields }, 'transfer-encoding')?.toLowerCase() === 'chunked') return readChunks(text, at)
  const length = header({ fields }, 'content-length')
  // Without a length the end of the connection ends the body, which cannot be told from a broken connection.
  if (length === undefined) return { body: text.slice(at), isComplete: false, next: text.length }
  const next = at + Number(length)
  return { body: text.slice(at, next), isComplete: text.length >= next, next: Math.min(next, text.length) }
}

function readChunks(text: string, start: number): Body {
  let body = ''
  for (let at = start; ; ) {
    const end = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, end === -1 ? undefined : end), 16)
    if (end === -1 || Number.isNaN(size)) return { body, isComplete: false, next: text.length }
    if (size === 0) {
      const trailers = text.indexOf('\r\n\r\n', end)
      return { body, isComplete: trailers !== -1, next: trailers === -1 ? text.length : trailers + 4 }
    }
    body += text.slice(end + 2, end + 2 + size)
    at = end + 2 + size + 2
  }
}

function decode(binary: string): string {
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)))
}
