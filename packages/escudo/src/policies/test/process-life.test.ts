import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const packageFolder = fileURLToPath(new URL('../../..', import.meta.url))

/** Runs a script in a process of its own, on the real clock; gives what it wrote and how long it lived after that. */
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

describe('timers keep no process alive but for calls in flight', () => {
  test('after calls under a 60 s timeout have settled the process ends within a second', async () => {
    const { lines, lingeredMs } = await run(`
      const s = shield('s', fallback(null), timeout('60s'), retry(), circuitBreaker(), bulkhead({ limit: 5 }), timeout('50s'))
      for (let n = 0; n < 100; n += 1) await s.run(async () => n, { signal: new AbortController().signal, deadline: '1h' })
      settled('done')`)
    expect(lines).toEqual(['done'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('an open circuit does not hold it', async () => {
    const { lines, lingeredMs } = await run(`
      const breaker = circuitBreaker({ trip: consecutive(1), openFor: '60s' })
      await shield('s', breaker).run(down).catch(() => {})
      settled(breaker.state)`)
    expect(lines).toEqual(['open'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('nor do health checks, those under way included', async () => {
    const { lines, lingeredMs } = await run(`
      let asked = 0
      const operation = () => { asked += 1; return new Promise(() => {}) }
      const breaker = circuitBreaker({ trip: consecutive(1), openFor: '60s', probe: { operation, every: 5 } })
      await shield('s', breaker).run(down).catch(() => {})
      while (asked < 2) await new Promise((resolve) => setImmediate(resolve))
      settled(breaker.state)`)
    expect(lines).toEqual(['open'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('a half-open circuit whose probe settled with no verdict does not hold it', async () => {
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

  test('an abort during a long backoff lets it go', async () => {
    const { lines, lingeredMs } = await run(`
      const controller = new AbortController()
      const call = shield('s', retry({ backoff: constant('60s') })).run(down, { signal: controller.signal })
      setTimeout(() => controller.abort('gone'), 10)
      await call.catch(settled)`)
    expect(lines).toEqual(['gone'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('a call that gives up its turn at a rate limiter lets it go', async () => {
    const { lines, lingeredMs } = await run(`
      const s = shield('s', rateLimiter({ limit: 1, per: '60s', maxWait: '60s' }))
      await s.run(() => 1)
      const controller = new AbortController()
      setTimeout(() => controller.abort('gone'), 10)
      await s.run(() => 2, { signal: controller.signal }).catch(settled)`)
    expect(lines).toEqual(['gone'])
    expect(lingeredMs).toBeLessThan(1_000)
  })

  test('a call in flight does hold it: until its timeout, its backoff, its deadline, its wait in a queue', async () => {
    const { lines } = await run(`
      const deaf = () => new Promise(() => {})
      const line = (name) => (error) => console.log(name + ' ' + (error.code ?? error.message))
      shield('s', timeout(60)).run(deaf).catch(line('timeout'))
      shield('s', retry({ maxRetries: 1, backoff: constant(120) })).run(down).catch(line('retry'))
      shield('s').run(deaf, { deadline: 180 }).catch(line('deadline'))
      const full = shield('s', bulkhead({ limit: 1, queue: 1, maxWait: 240 }))
      full.run(deaf)
      full.run(deaf).catch(line('queue'))
      const rated = shield('s', rateLimiter({ limit: 1, per: 300, maxWait: 300 }))
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

  test('a call that begins on the timer of an earlier one holds it just as well', async () => {
    const { lines } = await run(`
      const s = shield('s', timeout(150))
      await s.run(async () => 1)
      s.run(() => new Promise(() => {})).catch((error) => console.log(error.code))`)
    expect(lines).toEqual(['TIMEOUT'])
  })
})
