import { finished, Readable, Transform } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { BodyCapture } from '../idempotency/body-capture.ts'
import { IdempotencyErrors } from '../idempotency/errors.ts'
import { type FirstRun, IdempotencyGuard, RETRY_AFTER_S } from '../idempotency/guard.ts'
import type { IdempotencyOptions } from '../idempotency/options.ts'
import { isKept, type StoredAnswer } from '../idempotency/record.ts'

/**
 * Lets each request with an `Idempotency-Key` run once, and replays its answer (IETF draft idempotency-key-header).
 *
 * A Fastify plugin for all routes of the instance that registers it. Register it after {@link escudo}, and after what
 * authenticates requests. The first request with a key runs. A duplicate during that time gets 409
 * `IDEMPOTENCY_IN_PROGRESS` with `Retry-After`; a later one gets the stored answer with `Idempotency-Replayed: true`. The
 * same key with another target or body gets 422 `IDEMPOTENCY_KEY_REUSED`. Answers with 5xx, 408, 425 and 429 are not
 * stored.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { contractOptions, escudo, idempotency } from 'escudo/fastify'
 * import Fastify from 'fastify'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const app = Fastify(contractOptions(contract))
 * await app.register(escudo, { contract })
 * await app.register(idempotency({ scope: ({ headers }) => headers.authorization ?? 'anonymous' }))
 * let orders = 0
 * app.post('/orders', async () => ({ order: (orders += 1) }))
 *
 * const order = { method: 'POST', url: '/orders', headers: { 'idempotency-key': 'a1' } } as const
 * console.log((await app.inject(order)).json(), (await app.inject(order)).json()) // { order: 1 } { order: 1 }
 * ```
 */
export function idempotency(options: IdempotencyOptions<FastifyRequest>): FastifyPluginAsync {
  const guard = new IdempotencyGuard(options)
  const plugin: FastifyPluginAsync = async (app) => {
    const runs = new WeakMap<FastifyRequest, FirstRun>()
    app.addHook('preHandler', async (request, reply) => {
      const { method, routeOptions, url, headers } = request
      const begun = await guard
        .begin({
          request,
          method,
          route: routeOptions.url ?? '',
          url,
          key: headers['idempotency-key'],
          body: () => request.body,
          headers,
        })
        .catch((error: unknown) => {
          if (IdempotencyErrors.IDEMPOTENCY_IN_PROGRESS.is(error)) reply.header('retry-after', RETRY_AFTER_S)
          throw error
        })
      if (begun.kind === 'replay') return replay(reply, begun.answer)
      if (begun.kind === 'first') {
        const { run } = begun
        runs.set(request, run)
        reply.raw.once('close', () => run.abandon())
        // The client has disconnected while the key was looked up: no event will follow.
        if (reply.raw.destroyed) run.abandon()
      }
    })
    app.addHook('onSend', async (request, reply, payload) => {
      const run = runs.get(request)
      return run === undefined ? payload : await keep(run, reply, payload, guard.settings.maxBodyBytes)
    })
  }
  // Fastify's convention for a plugin whose hooks apply to the registering instance instead of a separate scope.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'escudo-idempotency',
  })
}

function replay(reply: FastifyReply, { status, headers, body }: StoredAnswer): FastifyReply {
  for (const [name, value] of headers) {
    // Fastify adds a cookie to those that hooks have set, and they have set it for the first request too.
    reply.removeHeader(name).header(name, value)
  }
  reply.code(status).header('idempotency-replayed', 'true')
  const bytes = Buffer.from(body, 'base64')
  if (bytes.length === 0) return reply.send()
  // Bytes would get a type from Fastify. A stream gets none.
  return reply.send(headers.some(([name]) => name === 'content-type') ? bytes : Readable.from([bytes]))
}

/** Keeps the answer, and returns what is sent. */
async function keep(run: FirstRun, reply: FastifyReply, given: unknown, maxBodyBytes: number): Promise<unknown> {
  const payload = asNodeStream(isResponse(given) && !given.bodyUsed ? unpacked(reply, given) : given)
  const { statusCode: status } = reply
  const capture = new BodyCapture(maxBodyBytes)
  const end = (): Promise<void> => run.end(capture.answer(status, Object.entries(reply.getHeaders())))
  if (isStream(payload)) {
    const tap = new Transform({
      transform(chunk: unknown, encoding, done) {
        capture.add(chunk, encoding)
        done(null, chunk)
      },
      flush(done) {
        end().then(() => done(), done)
      },
    })
    // Also one that was destroyed before: nothing else would end the answer.
    finished(payload, { writable: false }, (error) => {
      if (error === null || error === undefined) return
      // A handler may destroy its stream because the client has disconnected.
      if (!reply.raw.destroyed) void run.end(undefined)
      tap.destroy(error)
    })
    tap.once('close', () => {
      // Before its end, if the client has disconnected. What the handler has done must not be done twice.
      void run.end(isKept(status) ? 'too large' : undefined)
      payload.destroy?.()
    })
    return payload.pipe(tap)
  }
  if (payload === undefined || payload === null || typeof payload === 'string' || payload instanceof Uint8Array) {
    capture.add(payload)
    await end()
  } else await run.end(isKept(status) ? 'too large' : undefined)
  return payload
}

/** Fastify takes status, headers and body of a `Response` only when it sends it. */
function unpacked(reply: FastifyReply, response: Response): unknown {
  reply.code(response.status)
  for (const [name, value] of response.headers) reply.header(name, value)
  return response.body
}

/** As Fastify recognises one: also one of a package. */
function isResponse(payload: unknown): payload is Response {
  return Object.prototype.toString.call(payload) === '[object Response]'
}

function asNodeStream(payload: unknown): unknown {
  return payload instanceof ReadableStream && !payload.locked ? Readable.fromWeb(payload as WebStream) : payload
}

function isStream(payload: unknown): payload is NodeJS.ReadableStream & { destroy?(): void } {
  return typeof (payload as { readonly pipe?: unknown } | null | undefined)?.pipe === 'function'
}
