import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { escudo, serviceFolder } from './setup.ts'

// Each test runs the real program on a real module.

const MANIFEST = JSON.stringify({ name: '@acme/mail', type: 'module' })

async function generated(files: Readonly<Record<string, string>>, ...modules: readonly string[]) {
  const folder = await serviceFolder({ 'package.json': MANIFEST, ...files })
  const args = modules.flatMap((name) => ['--module', name])
  const ended = await escudo(folder, 'observability', ...args, '--timeout', '60', '--out', 'made')
  const text = (name: string) => readFile(join(folder, 'made', name), 'utf8')
  return { ...ended, text }
}

describe('a module', () => {
  it('in TypeScript: its shields count without an export, with the name of the package', async () => {
    const source = `
      import { circuitBreaker, shield } from 'escudo'
      const smtp: { name: string } = shield('smtp', circuitBreaker({ name: 'main' }))
      export const send = (): string => smtp.name`
    const { code, out, err, text } = await generated({ 'a.ts': source }, 'a.ts')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^mail: wrote \d+ panels and \d+ alerts to made, from 1 shield and 0 errors\n$/)
    expect(await text('README.md')).toContain('| smtp | main (those with metrics, sorted by name')
    expect(await text('rules.yml')).toContain('job="mail"')
  })

  it('with more shields than the metrics have room for by default', async () => {
    const source = `
      import { retry, shield } from 'escudo'
      globalThis.kept = Array.from({ length: 2_500 }, (_, index) => shield('s' + index, retry({ name: 'again' })))`
    const { code, out, text } = await generated({ 'a.js': source }, 'a.js')
    expect([code, out]).toEqual([0, expect.stringMatching(/from 2500 shields and 0 errors/)])
    expect(await text('README.md')).toContain('| s2499 | again')
  })

  it('that sends other messages to the process that started it', async () => {
    const source = `
      import { retry, shield } from 'escudo'
      process.send?.('ready')
      process.send?.({ ok: true, escudo: undefined })
      process.send?.(null)
      export const smtp = shield('smtp', retry())`
    const { code, out } = await generated({ 'a.js': source }, 'a.js')
    expect([code, out]).toEqual([0, expect.stringMatching(/from 1 shield and 0 errors/)])
  })

  it('in CommonJS that exports an object of shields and a contract', async () => {
    const source = `
      const { hedge, retry, shield } = require('escudo')
      const { createErrorContract, defineErrors } = require('escudo/errors')
      const Errors = defineErrors({ SOLD_OUT: { status: 409, message: { es: 'Agotado', en: 'Sold | out' } } })
      const shields = { list: [shield('smtp', retry({ name: 'again' }), hedge({ after: '1s' }))] }
      module.exports = { shields, contract: createErrorContract({ service: 'post office', errors: Errors }) }`
    const { code, out, err, text } = await generated({ 'a.cjs': source }, 'a.cjs')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^post office: wrote .* from 1 shield and 1 error\n$/)
    const readme = await text('README.md')
    expect(readme).toContain('| smtp | again (retry), hedge |')
    expect(readme).toContain('| SOLD\\_OUT | SOLD\\_OUT | 409 | business | Sold \\| out |')
    expect(await text('rules.yml')).toContain('job="post office"')
  })

  it('in two files: the shields of one and the catalogue of the other', async () => {
    const files = {
      'a.mjs': `import { shield, timeout } from 'escudo'\nexport const a = shield('a', timeout('1s'))`,
      'b.mjs': `import { defineErrors } from 'escudo/errors'\nexport default defineErrors({ LATE: { status: 503, message: 'Late' } })`,
    }
    const { code, out } = await generated(files, 'a.mjs', 'b.mjs')
    expect([code, out]).toEqual([0, expect.stringContaining('from 1 shield and 1 error')])
  })

  it('without shields, with a client that builds its shield with its first request', async () => {
    const source = `
      import { resilientFetch } from 'escudo/http'
      export const get = resilientFetch({ name: 'smtp', baseUrl: 'http://localhost:25' })`
    const folder = await serviceFolder({ 'a.mjs': source, 'package.json': MANIFEST })
    const args = ['observability', '--module', 'a.mjs', '--out', 'made']
    expect((await escudo(folder, ...args)).err).toMatch(/name a client of resilientFetch with --client NAME\n$/)
    expect((await escudo(folder, ...args, '--client', 'smtp')).err).toBe('')
    const readme = await readFile(join(folder, 'made/README.md'), 'utf8')
    expect(readme).toMatch(/\| smtp \| .*circuitBreaker/)
    expect(readme).toContain('| EscudoBulkheadSaturated |')
  })

  it('may export values that cannot be read', async () => {
    const source = `
      import { shield, timeout } from 'escudo'
      const hostile = new Proxy(() => {}, { get() { throw new Error('no') }, ownKeys() { throw new Error('no') } })
      export const values = { hostile, get broken() { throw new Error('no') }, a: shield('a', timeout('1s')) }
      values.self = values`
    const { code, err, text } = await generated({ 'a.mjs': source }, 'a.mjs')
    expect([code, err]).toEqual([0, ''])
    expect(await text('README.md')).toContain('| a | timeout |')
  })

  it('may leave timers open and print', async () => {
    const source = `
      import { shield, timeout } from 'escudo'
      console.log('noise')
      setInterval(() => {}, 1_000)
      export const a = shield('a', timeout('1s'))`
    const { code, out, err } = await generated({ 'a.mjs': source }, 'a.mjs')
    expect([code, out, err]).toEqual([0, expect.not.stringContaining('noise'), ''])
  })

  it.each([
    ['exports nothing of escudo', 'export const a = 1', /builds no shield and exports no error catalogue/],
    ['throws', `throw new Error('no database')`, /could not be loaded: Error: no database/],
    ['throws no error', `throw 'text'`, /could not be loaded: text/],
    ['has a syntax error', 'export const', /could not be loaded: SyntaxError/],
    ['imports what is missing', `import 'nonsense-package'`, /Cannot find package 'nonsense-package'/],
    ['exits', `console.error('no port'); process.exit(0)`, /ended its process \(exit code 0\)[\s\S]*no port/],
    ['never settles', 'await new Promise(() => {})', /its top-level await does not settle/],
    [
      'starts a server',
      `import { createServer } from 'node:http'
       import { shield, timeout } from 'escudo'
       export const a = shield('a', timeout('1s'))
       createServer().listen(0, 'localhost')`,
      /starts a server\. Name a module that only builds/,
    ],
  ])('that %s is refused', { timeout: 30_000 }, async (_, source, text) => {
    const { code, out, err } = await generated({ 'a.mjs': source }, 'a.mjs')
    expect([code, out, err]).toEqual([1, '', expect.stringMatching(text)])
    expect(err).toMatch(/^escudo: a\.mjs/)
  })

  it.each([
    ['waits for too long', 'await new Promise((done) => setTimeout(done, 60_000))'],
    ['never yields', 'while (true);'],
  ])('that %s is refused at the limit', { timeout: 30_000 }, async (_, source) => {
    const folder = await serviceFolder({ 'a.mjs': source, 'package.json': MANIFEST })
    const args = ['--module', 'a.mjs', '--timeout', '0.5', '--out', 'made']
    const { code, out, err } = await escudo(folder, 'observability', ...args)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^escudo: a\.mjs: did not load within 0\.5 s\. Name a module that only builds/)
  })

  it('that does not exist is a wrong command line', async () => {
    const { code, err } = await generated({}, 'a.mjs')
    expect([code, err]).toEqual([2, expect.stringMatching(/^escudo: the module \S+a\.mjs does not exist\n$/)])
  })

  it('of a service without escudo is refused with what to do', async () => {
    const folder = await serviceFolder({ 'b/a.mjs': 'export const a = 1' })
    const { code, err } = await escudo('/', 'observability', '--module', '/dev/null', '--out', join(folder, 'made'))
    expect([code, err]).toEqual([1, expect.stringContaining('run npm install escudo in the folder of the service')])
  })
})

describe('the options', () => {
  it.each([
    [['--objective', '100'], /--objective takes a number from 50 to 99\.999, got "100"/],
    [['--window-scale', '0'], /--window-scale takes a number from 0\.001 to 10/],
    [['--window-scale', '1e3'], /--window-scale takes a number/],
    [['--timeout', 'soon'], /--timeout takes a number/],
  ])('reject %j', async (args, text) => {
    const folder = await serviceFolder({ 'a.mjs': '' })
    const { code, err } = await escudo(folder, 'observability', '--module', 'a.mjs', '--out', 'made', ...args)
    expect([code, err]).toEqual([2, expect.stringMatching(text)])
  })

  it('set the job, the objective and the windows', async () => {
    const source = `import { circuitBreaker, shield } from 'escudo'\nexport const a = shield('a', circuitBreaker())`
    const folder = await serviceFolder({ 'a.mjs': source, 'package.json': MANIFEST })
    const options = ['--job', 'the "job"', '--objective', '99', '--window-scale', '0.5']
    expect((await escudo(folder, 'observability', '--module', 'a.mjs', '--out', '.', ...options)).err).toBe('')
    const rules = await readFile(join(folder, 'rules.yml'), 'utf8')
    expect(rules).toContain('max_over_time(escudo_circuit_breaker_state{job="the \\"job\\"",state="open"}[1m])')
    expect(rules).toContain('[2m30s])) > 0.144')
    expect(rules).toContain('for: 1m30s\n')
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('are multiplied by 0.5')
  })
})
