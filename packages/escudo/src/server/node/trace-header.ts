import type { ClientRequest, IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http'

export type ResponseClass = typeof ServerResponse<IncomingMessage>
export type Head = Parameters<ServerResponse['writeHead']>

const NAME = 'x-trace-id'
const TRACE_ID_LENGTH = 32

/**
 * Makes a class of responses that hold the header `X-Trace-ID` until they are sent.
 *
 * The libraries for web standards set no header before they send all of them in one object. Node then sends the object as
 * it is; with a header that was set before, it would set each one, and check each twice. To other code the header looks
 * set.
 */
export function holdingTraceId(base: ResponseClass): ResponseClass {
  return class extends base {
    /** The value of the header while Node does not have it. */
    declare heldTraceId: string | undefined
    /** Whether the header is no longer held back, because another one was set or all of them were read. */
    declare hasSetHeaders: boolean | undefined

    override setHeader(name: string, value: number | string | readonly string[]): this {
      // The first value is that of the exchange. Node checks it with the others.
      if (name === NAME && this.hasSetHeaders !== true && this.heldTraceId === undefined && isTraceId(value)) {
        this.heldTraceId = value
        return this
      }
      this.setHeldHeader()
      return super.setHeader(name, value)
    }

    override appendHeader(name: string, value: string | readonly string[]): this {
      this.setHeldHeader()
      return super.appendHeader(name, value)
    }

    override removeHeader(name: string): void {
      this.setHeldHeader()
      super.removeHeader(name)
    }

    override getHeader(name: string): OutgoingHttpHeader | undefined {
      return this.heldTraceId !== undefined && isName(name) ? this.heldTraceId : super.getHeader(name)
    }

    override hasHeader(name: string): boolean {
      return (this.heldTraceId !== undefined && isName(name)) || super.hasHeader(name)
    }

    override getHeaders(): ReturnType<ServerResponse['getHeaders']> {
      this.setHeldHeader()
      return super.getHeaders()
    }

    override getHeaderNames(): string[] {
      this.setHeldHeader()
      return super.getHeaderNames()
    }

    /** Node's types have it for requests only. */
    getRawHeaderNames(): string[] {
      this.setHeldHeader()
      return (base.prototype as unknown as ClientRequest).getRawHeaderNames.call(this as never)
    }

    // biome-ignore lint/suspicious/noExplicitAny: the overloads of Node
    override writeHead(...args: any[]): this {
      const { heldTraceId } = this
      const headers: unknown = args[1]
      if (heldTraceId === undefined || this.hasSetHeaders === true || args.length > 2 || !isRecord(headers)) {
        this.setHeldHeader()
        return super.writeHead(...(args as Head))
      }
      this.hasSetHeaders = true
      try {
        return super.writeHead(args[0], withTraceId(headers, heldTraceId))
      } catch {
        // An invalid header or status. Those before it must be set, such as the ones of CORS: another answer will follow.
        this.hasSetHeaders = false
        this.setHeldHeader()
        return super.writeHead(...(args as Head))
      }
    }

    /** Sets the header, if Node does not have it and has not sent it. */
    setHeldHeader(): void {
      if (this.hasSetHeaders === true) return
      this.hasSetHeaders = true
      const { heldTraceId } = this
      this.heldTraceId = undefined
      if (heldTraceId !== undefined) super.setHeader(NAME, heldTraceId)
    }
  }
}

function isTraceId(value: unknown): value is string {
  return typeof value === 'string' && value.length === TRACE_ID_LENGTH
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && name.length === NAME.length && name.toLowerCase() === NAME
}

/** Whether these are headers in an object, or none. Node also takes a list. */
function isRecord(headers: unknown): headers is Readonly<Record<string, OutgoingHttpHeader>> | undefined {
  return headers === undefined || (typeof headers === 'object' && headers !== null && !Array.isArray(headers))
}

/** Adds the header, unless a handler has replaced it. */
function withTraceId(
  headers: Readonly<Record<string, OutgoingHttpHeader>> | undefined,
  traceId: string,
): Record<string, OutgoingHttpHeader> {
  for (const name in headers) if (isName(name)) return headers
  const all = { ...headers }
  all[NAME] = traceId
  return all
}
