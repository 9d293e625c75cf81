// Packs the dashboard, installs the tarball in an empty folder, and opens the page on a log of nginx.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildDashboard } from '../../tools/build/dashboard.ts'
import { freePorts, until } from '../shop/helpers/processes.ts'

const DASHBOARD = resolve('packages/dashboard')
const NGINX = resolve('packages/dashboard/src/lines/test/wild/nginx_json_strings.log')
const TARBALL_BYTES_MAX = 270_000

/** The Node of the tests, and others on the path: the package supports Node 20.19 and later. */
const ON_PATH = (process.env['PATH'] ?? '').split(delimiter).map((bin) => join(bin, 'node'))
const NODES = [...new Map([process.execPath, ...ON_PATH.filter(existsSync)].map((path) => [versionOf(path), path]))]

let folder = ''
let tarball = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'escudo-packed-dashboard-'))
  const staged = join(folder, 'staged')
  // With its sources and tests, which must not be packed.
  cpSync(DASHBOARD, staged, { recursive: true, filter: (path) => !/[\\/](dist|node_modules)$/.test(path) })
  await buildDashboard(DASHBOARD, join(staged, 'dist'))
  const args = ['pack', staged, '--ignore-scripts', '--silent', '--pack-destination', folder]
  execFileSync('npm', args, { cwd: folder, stdio: 'ignore' })
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
}

/** Installs the tarball in an empty folder. */
function install(name: string): string {
  const project = mkdtempSync(join(folder, `${name}-`))
  writeFileSync(join(project, 'package.json'), '{"private":true}')
  execFileSync('npm', ['install', tarball, '--silent', '--offline'], { cwd: project, stdio: 'ignore' })
  return project
}

describe('the packed dashboard', () => {
  it('contains its build, README and license, but no source, no test and no dependency', () => {
    const installed = join(install('contents'), 'node_modules/@escudo/dashboard')
    expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
    const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })
    expect(files.filter((file) => /(^|\/)test(\/|$)|\.test|\.tsbuildinfo|\.map$|(?<!\.d)\.tsx?$/.test(file))).toEqual(
      [],
    )
    expect(files.filter((file) => file.startsWith('page/')).sort()).toEqual(
      [
        'icon.svg',
        'index.html',
        'page-engine.js',
        'page-heat.js',
        'page-levers.js',
        'page-map.js',
        'page.css',
        'page.js',
      ].map((name) => `page/${name}`),
    )
    const { dependencies = {} } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    expect(dependencies).toEqual({})
    process.stdout.write(`tarball: ${statSync(tarball).size} bytes\n`)
    expect(statSync(tarball).size).toBeLessThan(TARBALL_BYTES_MAX)
  })

  it.each(NODES)('shows a log of nginx and prints its summary on Node %s', async (version, node) => {
    const startedMs = performance.now()
    const project = install('page')
    const [port] = (await freePorts(1)) as [number]
    const { child, stderr } = startDashboard(node, project, ['--port', String(port), NGINX])
    const url = `http://localhost:${port}`
    try {
      await until('the page', async () => (await fetch(url).catch(() => undefined))?.ok === true)
      const readyMs = performance.now() - startedMs
      process.stdout.write(`Node ${version}: from npm install to the page in ${(readyMs / 1_000).toFixed(1)} s\n`)
      expect(await (await fetch(url)).text()).toContain('./page.js')
      expect((await fetch(`${url}/page.js`)).headers.get('content-type')).toBe('text/javascript; charset=utf-8')
      const summary = async () => (await (await fetch(`${url}/api/summary`)).json()) as Record<string, unknown>
      await until('both requests', async () => (await summary())['requests'] === 2)
      expect(await summary()).toMatchObject({ server_errors: 1, by_status: { 200: 1, 503: 1 } })
      expect(stderr()).toBe('')
    } finally {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    const program = join(project, 'node_modules/.bin/escudo-dashboard')
    const printed = execFileSync(node, [program, '--once', '--json', NGINX], { encoding: 'utf8' })
    expect(JSON.parse(printed)).toMatchObject({ requests: 2, files: [{ recognised: 2 }] })
    execFileSync(node, [program, '--report', 'report.html', '--lang', 'en', NGINX], { cwd: project })
    expect(readFileSync(join(project, 'report.html'), 'utf8')).toContain('Requests by status class')
  })

  it.each(NODES)('serves the page inside a service on Node %s, without escudo', (_version, node) => {
    const project = install('embedded')
    for (const name of ['fastify', 'pino'])
      symlinkSync(resolve('node_modules', name), join(project, 'node_modules', name))
    writeFileSync(join(project, 'program.mjs'), EMBEDDED)
    const printed = execFileSync(node, ['program.mjs'], { cwd: project, encoding: 'utf8' })
    expect(JSON.parse(printed)).toEqual({ refused: 401, page: true, requests: 1, ended: true })
  })
})

const EMBEDDED = `
import { dashboardRoutes, ServiceLog } from '@escudo/dashboard/fastify'
import Fastify from 'fastify'
import pino from 'pino'

const lines = new ServiceLog()
const app = Fastify({ loggerInstance: pino({}, lines) })
const authorize = ({ headers }) => (headers['x-token'] === 'ops' ? { actor: 'ops' } : undefined)
await app.register(dashboardRoutes({ lines, authorize }), { prefix: '/ops' })
app.get('/potions', async () => 'three')
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const headers = { 'x-token': 'ops' }
await fetch(url + '/potions')
const refused = (await fetch(url + '/ops/')).status
const page = (await (await fetch(url + '/ops', { headers })).text()).includes('page.js')
let requests = 0
for (let attempt = 0; requests !== 1 && attempt < 100; attempt += 1) {
  await new Promise((resolve) => setTimeout(resolve, 20))
  requests = (await (await fetch(url + '/ops/api/summary', { headers })).json()).requests
}
const stream = await fetch(url + '/ops/api/stream', { headers })
await app.close()
const ended = await stream.text().then(() => true, () => false)
console.log(JSON.stringify({ refused, page, requests, ended }))
`

function startDashboard(node: string, project: string, args: readonly string[]) {
  const program = join(project, 'node_modules/.bin/escudo-dashboard')
  const child: ChildProcess = spawn(node, [program, ...args], { cwd: project, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr?.on('data', (text: Buffer) => {
    stderr += text
  })
  return { child, stderr: () => stderr }
}
