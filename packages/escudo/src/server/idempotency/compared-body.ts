/** The headers that describe a body. */
export interface BodyHeaders {
  readonly 'content-type'?: string | undefined
  readonly 'content-length'?: string | undefined
}

/**
 * What must be the same in the bodies of all requests with one key: the content. Of a body that is not parsed, or whose
 * content cannot be seen, such as a stream, it is the type and the length.
 */
export function comparedBody(body: unknown, headers: BodyHeaders): string | Uint8Array {
  if (typeof body === 'string') return body
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  if (body instanceof URLSearchParams) return String(body)
  const text = jsonOf(body)
  // Parsers put an empty object there for a body that they do not read, and JSON has nothing else for a map.
  return text === undefined || text === '{}' ? `${text ?? ''} ${unreadBody(headers)}`.trim() : text
}

/** The type without its parameters: each attempt may draw a new boundary. */
function unreadBody(headers: BodyHeaders): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  return `${type.trim().toLowerCase()} ${headers['content-length'] ?? ''}`
}

function jsonOf(body: unknown): string | undefined {
  const { pipe, getReader } = (body ?? {}) as { readonly pipe?: unknown; readonly getReader?: unknown }
  if (typeof pipe === 'function' || typeof getReader === 'function') return undefined
  try {
    return JSON.stringify(body, (_key, value: unknown) => {
      if (typeof value === 'bigint') return `${value}n`
      return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
    })
  } catch {
    // Parsers of uploads return objects with cycles.
    return undefined
  }
}
