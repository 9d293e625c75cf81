import { execFile } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { rejectionOf, serve, settled } from '../../http/test/setup.ts'
import { resilientRequest } from '../index.ts'
import { client } from './setup.ts'

/** A client whose undici has not loaded yet: the first request is sent in the same turn. */
const loading = () => client({ shield: false })

const served = async () => {
  const paths: (string | undefined)[] = []
  const origin = await serve((request, response) => {
    paths.push(request.url)
    request.pipe(response)
  })
  return { origin, paths }
}

describe('undici', () => {
  test('becomes the global dispatcher with the first client, not with the import', async () => {
    const program = `
      const isSet = () => [1, 2].some((version) => Symbol.for('undici.globalDispatcher.' + version) in globalThis)
      const { resilience, resilientRequest } = await import('escudo/undici')
      resilience({ name: 'x' })
      const before = isSet()
      const rejected = await resilientRequest({ name: 'x', shield: false })('http://127.0.0.1:1').catch(String)
      console.log(JSON.stringify([before, isSet(), rejected]))
    `
    const args = ['--conditions=@escudo/source', '--input-type=module', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })
    expect(JSON.parse(stdout)).toEqual([false, true, expect.stringContaining('UpstreamError')])
  })
})

describe('while undici loads, a request', () => {
  test('waits, and is sent once', async () => {
    const { origin, paths } = await served()
    const get = loading()
    const answers = await Promise.all([get(`${origin}/1`), get(new URL('/2', origin)), get(`${origin}/3`)])
    for (const { body } of answers) await body.dump()
    expect(paths.sort()).toEqual(['/1', '/2', '/3'])
  })

  test.each([
    ['a reason', new Error('impatient')],
    ['no reason', undefined],
  ])('is aborted by an event emitter with %s, and its body destroyed', async (_, reason) => {
    const { origin, paths } = await served()
    const signal = Object.assign(new EventEmitter(), { reason })
    const body = Readable.from(['x'])
    const answer = rejectionOf(loading()(origin, { method: 'POST', signal, body }))
    signal.emit('abort')
    const error = await answer
    if (reason === undefined) expect(error).toMatchObject({ code: 'UND_ERR_ABORTED' })
    else expect(error).toBe(reason)
    expect([paths, body.destroyed, signal.listenerCount('abort')]).toEqual([[], true, 0])
  })

  test('is aborted by a signal', async () => {
    const { origin, paths } = await served()
    const abort = new AbortController()
    const answer = rejectionOf(loading()(origin, { signal: abort.signal }))
    abort.abort('enough')
    expect([await answer, paths]).toEqual(['enough', []])
  })

  test('rejects if its body fails', async () => {
    const { origin } = await served()
    const body = new PassThrough()
    const answer = rejectionOf(loading()(origin, { method: 'POST', body }))
    body.destroy(new Error('the disk is full'))
    expect(await answer).toMatchObject({ code: 'BODY_NOT_REPLAYABLE' })
  })

  test('rejects for an invalid URL', async () => {
    const get = loading()
    for (const url of ['no url', undefined]) expect(await rejectionOf(get(url as never))).toBeInstanceOf(Error)
  })
})

test('without the package, each request rejects, no rejection is unhandled, and the body is destroyed', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  vi.resetModules()
  vi.doMock('undici', () => {
    throw new Error('Cannot find package')
  })
  try {
    const fresh = await import('../index.ts')
    const get = fresh.resilientRequest({ name: 'x' })
    const body = Readable.from(['x'])
    for (const init of [{}, { method: 'POST', body } as const]) {
      // What vitest says of a module that cannot be loaded.
      expect(String(await rejectionOf(get('http://127.0.0.1', init)))).toContain('mocking a module')
    }
    expect(body.destroyed).toBe(true)
    await settled()
    expect(unhandled).not.toHaveBeenCalled()
  } finally {
    vi.doUnmock('undici')
    process.off('unhandledRejection', unhandled)
  }
})

test('invalid options throw before undici loads', () => {
  expect(() => resilientRequest({ name: '' })).toThrow('resilientRequest.name')
})
