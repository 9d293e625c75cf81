import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { corrupted, firstHalf } from './bytes.ts'
import type { FaultEngine } from './engine.ts'
import type { Fault } from './plan.ts'

type WriteArguments = [chunk?: unknown, encoding?: unknown, callback?: unknown]

/**
 * Makes what a handler will send break on its way. It puts itself between the handler and the response's own `write`
 * and `end`, so it works under any framework that ends there.
 *
 * A response without a body (a HEAD, a 204) has nothing that can break, and stays as it is.
 */
export function breakBody(
  engine: FaultEngine,
  request: IncomingMessage,
  response: ServerResponse,
  kind: NonNullable<Fault['body']>,
): void {
  if (request.method === 'HEAD') return
  const breaker = kind === 'corrupt' ? corrupt(response) : cutInHalf(engine, request, response, kind)
  Object.defineProperties(response, {
    write: { value: breaker.write, configurable: true, writable: true },
    end: { value: breaker.end, configurable: true, writable: true },
  })
}

interface Patch {
  write(...args: WriteArguments): boolean
  end(...args: WriteArguments): ServerResponse
}

function corrupt(response: ServerResponse): Patch {
  const { write, end } = own(response)
  let whole = true
  const broken = (args: WriteArguments): WriteArguments => {
    const bytes = bytesOf(args)
    if (!whole || bytes === undefined || bytes.length === 0) return args
    whole = false
    return [corrupted(bytes), undefined, callbackOf(args)]
  }
  return { write: (...args) => write(broken(args)), end: (...args) => end(broken(args)) }
}

/** Sends half of the first bytes that come, and then either closes the connection or nothing more. */
function cutInHalf(
  engine: FaultEngine,
  request: IncomingMessage,
  response: ServerResponse,
  kind: 'truncated' | 'stall',
): Patch {
  const { write, end } = own(response)
  let over = false
  const cut = (bytes: Uint8Array): void => {
    over = true
    const half = firstHalf(bytes)
    const sent = (): void => {
      if (kind === 'truncated') closeAfterFlush(request.socket)
    }
    if (half.length > 0) write([half, undefined, sent])
    else {
      response.flushHeaders()
      whenItsTurn(response, sent)
    }
    if (kind === 'truncated') return
    const leave = engine.keep(() => request.socket.destroy(), stopsWith(request))
    response.once('close', leave)
  }
  return {
    write: (...args) => {
      // A stream that is piped here goes on to its end, into nothing.
      if (over) return true
      const bytes = bytesOf(args)
      if (bytes === undefined || bytes.length === 0) return write(args)
      cut(bytes)
      return true
    },
    end: (...args) => {
      if (over) return response
      const bytes = bytesOf(args)
      if (bytes === undefined || bytes.length === 0) return end(args)
      // All of the body is known, so its length is what Node itself would have announced.
      if (!response.headersSent && !response.hasHeader('content-length') && !response.hasHeader('transfer-encoding')) {
        response.setHeader('content-length', bytes.length)
      }
      cut(bytes)
      return response
    },
  }
}

/** Acts when the answers to requests that came before on the same connection are out of the way. */
export function whenItsTurn(response: ServerResponse, act: () => void): void {
  if (response.socket === null) response.once('socket', act)
  else act()
}

/** Whether the server that a request came to has been told to close, which a connection that never ends would prevent. */
export function stopsWith(request: IncomingMessage): () => boolean {
  const { server } = request.socket as Socket & { server?: { readonly listening?: boolean } }
  return () => server?.listening === false
}

function closeAfterFlush(socket: Socket): void {
  // Sockets of tests that never touch a network lack it.
  if (typeof socket.destroySoon === 'function') socket.destroySoon()
  else socket.destroy()
}

/** The response's methods as they were when the fault came, called as methods. */
function own(response: ServerResponse): {
  write(args: WriteArguments): boolean
  end(args: WriteArguments): ServerResponse
} {
  const { write, end } = response as unknown as Patch
  return { write: (args) => write.apply(response, args), end: (args) => end.apply(response, args) }
}

function bytesOf([chunk, encoding]: WriteArguments): Uint8Array | undefined {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  }
  return chunk instanceof Uint8Array ? chunk : undefined
}

function callbackOf(args: WriteArguments): unknown {
  return args.find((argument) => typeof argument === 'function')
}
