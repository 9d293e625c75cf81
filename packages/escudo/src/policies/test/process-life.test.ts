import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const packageFolder = fileURLToPath(new URL('../../..', import.meta.url))

/** Runs a script in a separate process, on the real clock. Returns its output and how long it ran after `settled`. */
async function run(
  script: string,
): Promise<{ readonly lines: string[]; readonly lingeredMs: number; readonly code: number }> {
  const source = `
    import { bulkhead, circuitBreaker, consecutive, constant, exponential, fallback, rateLimiter, retry, shield, timeout } from 'escudo'
    const down = () => Promise.reject(new Error('down'))
    let settledMs = performance.now()
    const settled = (text) => { settledMs = performance.now(); console.log(text) }
    process.on('exit', (code) => console.log('exit ' + Math.round(performance.now() - settledMs)))
    ${script}`
  const args = [
    '--conditions=@escudo/source',
    '--input-type=module-typescript',
    '--disable-warning=ExperimentalWarning',
    '-e',
    source,
  ]
  const outcome = await promisify(execFile)(process.execPath, args, { cwd: packageFolder, timeout: 15_000 }).then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => {
      if (error.code !== 13) throw new Error(`the script failed: ${error.stderr}`)
      return error
    },
  )
  const lines = outcome.stdout.trim().split('\n')
  const exit = lines.pop() ?? ''
  return { lines, lingeredMs: Number(exit.replace('exit ', '')), code: outcome.code }
}

describe('a process', () => {
  test('ends within a second after calls with a 60 s timeout have settled', async () => {
    const { lines, lingeredMs } = await run(`
      const s = shield('s', fallback(null), timeout('60s'), retry(), circuitBreaker(), bulkhead({ limit: 5 }), timeout('50s'))
      for (let n = 0; n < 100; n += 1) await s.run(async () => n, { signal: new AbortController().signal, deadline: '1h' })
      settled('done')`)
    expect(lines).toEqual(['done'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('ends although listeners of beforeExit make calls', async () => {
    const { lines, lingeredMs } = await run(`
      const s = shield('s', timeout('1h'))
      await s.run(async () => 1)
      process.on('beforeExit', async () => {
        for (let n = 0; n < 20; n += 1) await s.run(() => new Promise((resolve) => process.nextTick(resolve)))
        settled('flushed')
      })`)
    expect(lines).toEqual(['flushed'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('is not kept alive by an open circuit', async () => {
    const { lines, lingeredMs } = await run(`
      const breaker = circuitBreaker({ trip: consecutive(1), openFor: '60s' })
      await shield('s', breaker).run(down).catch(() => {})
      settled(breaker.state)`)
    expect(lines).toEqual(['open'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('is not kept alive by health checks, even running ones', async () => {
    const { lines, lingeredMs } = await run(`
      let checks = 0
      const operation = () => { checks += 1; return new Promise(() => {}) }
      const breaker = circuitBreaker({ trip: consecutive(1), openFor: '60s', probe: { operation, every: 5 } })
      await shield('s', breaker).run(down).catch(() => {})
      while (checks < 2) await new Promise((resolve) => setImmediate(resolve))
      settled(breaker.state)`)
    expect(lines).toEqual(['open'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('is not kept alive by a half-open circuit whose probe settled without a verdict', async () => {
    const { lines, lingeredMs } = await run(`
      const breaker = circuitBreaker({ trip: consecutive(1), openFor: 1 })
      const s = shield('s', breaker)
      await s.run(down).catch(() => {})
      while (breaker.state !== 'half-open') await new Promise((resolve) => setImmediate(resolve))
      const controller = new AbortController()
      const probe = s.run(() => new Promise(() => {}), { signal: controller.signal }).catch(() => {})
      controller.abort()
      await probe
      settled(breaker.state)`)
    expect(lines).toEqual(['half-open'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('is not kept alive by a backoff after its call is aborted', async () => {
    const { lines, lingeredMs } = await run(`
      const controller = new AbortController()
      const call = shield('s', retry({ backoff: constant('60s') })).run(down, { signal: controller.signal })
      setTimeout(() => controller.abort('gone'), 10)
      await call.catch(settled)`)
    expect(lines).toEqual(['gone'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('is not kept alive by a rate limiter after a waiting call is aborted', async () => {
    const { lines, lingeredMs } = await run(`
      const s = shield('s', rateLimiter({ limit: 1, per: '60s', maxWait: '60s' }))
      await s.run(() => 1)
      const controller = new AbortController()
      setTimeout(() => controller.abort('gone'), 10)
      await s.run(() => 2, { signal: controller.signal }).catch(settled)`)
    expect(lines).toEqual(['gone'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('is kept alive by a call until its timeout, backoff, deadline or wait in a queue ends', async () => {
    const { lines } = await run(`
      const neverSettles = () => new Promise(() => {})
      const print = (name) => (error) => console.log(name + ' ' + (error.code ?? error.message))
      shield('s', timeout(60)).run(neverSettles).catch(print('timeout'))
      shield('s', retry({ maxRetries: 1, backoff: constant(120) })).run(down).catch(print('retry'))
      shield('s').run(neverSettles, { deadline: 180 }).catch(print('deadline'))
      const full = shield('s', bulkhead({ limit: 1, queue: 1, maxWait: 240 }))
      full.run(neverSettles)
      full.run(neverSettles).catch(print('queue'))
      const rated = shield('s', rateLimiter({ limit: 1, per: 300, maxWait: 30_000 }))
      rated.run(() => 1)
      rated.run(() => console.log('its turn'))`)
    expect(lines).toEqual([
      'timeout TIMEOUT',
      'retry down',
      'deadline DEADLINE_EXCEEDED',
      'queue BULKHEAD_FULL',
      'its turn',
    ])
  })

  test('is kept alive by a call that uses the timer of an earlier one', async () => {
    const { lines } = await run(`
      const s = shield('s', timeout(150))
      await s.run(async () => 1)
      s.run(() => new Promise(() => {})).catch((error) => console.log(error.code))`)
    expect(lines).toEqual(['TIMEOUT'])
  })
})
