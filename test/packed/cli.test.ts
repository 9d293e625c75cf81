// Packs the command line, installs it beside the built library in an empty project and runs the built program.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPacked, type Project } from '../../tools/build/install.ts'
import { buildProgram } from '../../tools/build/program.ts'

const CLI = resolve('packages/cli')
const DEPENDENCIES = ['@grafana', 'tslib', 'yaml']

const MODULE = `
import { circuitBreaker, fallback, shield, timeout } from 'escudo'
import { defineErrors } from 'escudo/errors'
export const inventory = shield('inventory', fallback(null), timeout('1s'), circuitBreaker())
export const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
`

let installed: Project
let project = ''
beforeAll(async () => {
  // Without the network: the dependencies are those of this repository.
  installed = await installPacked(DEPENDENCIES)
  project = installed.folder
  const staged = join(project, 'staged')
  // With its sources and tests, which must not be packed.
  cpSync(CLI, staged, { recursive: true, filter: (path) => !/[\\/](dist|node_modules)$/.test(path) })
  buildProgram(CLI, join(staged, 'dist'))
  const pack = ['pack', staged, '--ignore-scripts', '--silent', '--pack-destination', project]
  execFileSync('npm', pack, { cwd: project, stdio: 'ignore' })
  const tarball = readdirSync(project).find((name) => /cli-.*\.tgz$/.test(name)) as string
  const program = join(project, 'node_modules/@escudo/cli')
  mkdirSync(program, { recursive: true })
  execFileSync('tar', ['-xzf', join(project, tarball), '--strip-components=1', '-C', program])
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'shop', type: 'module' }))
  writeFileSync(join(project, 'shields.js'), MODULE)
})
afterAll(() => installed.remove())

test('the built program generates all files', () => {
  const args = ['node_modules/@escudo/cli/dist/bin.js', 'observability', '--module', 'shields.js', '--out', 'made']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^shop: wrote \d+ panels and \d+ alerts to made, from 1 shield and 1 error\n$/)
  expect(readdirSync(join(project, 'made')).sort()).toEqual(['README.md', 'dashboard.json', 'rules.yml'])
  const readme = readFileSync(join(project, 'made/README.md'), 'utf8')
  expect(readme).toContain('| inventory | fallback, timeout, circuitBreaker |')
  expect(readme).toContain('| SOLD\\_OUT | SOLD\\_OUT | 409 | business | Sold out. |')
})

test('the package contains its build, README and license, but no source and no test', () => {
  const installed = join(project, 'node_modules/@escudo/cli')
  expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
  const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })
  expect(files.filter((file) => /(^|\/)test(\/|$)|\.test|\.tsbuildinfo/.test(file))).toEqual([])
})

test('the package lists every dependency, and nothing else', () => {
  const manifest = JSON.parse(readFileSync(join(project, 'node_modules/@escudo/cli/package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>
    readonly dependencies: Readonly<Record<string, string>>
  }
  expect(Object.keys(manifest.dependencies)).toEqual(['@grafana/grafana-foundation-sdk', 'yaml'])
  expect(existsSync(join(project, 'node_modules/@escudo/cli', manifest.bin['escudo'] as string))).toBe(true)
})
