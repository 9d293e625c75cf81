// What docs/installation.md says about CommonJS: `require` in Node.js, and the two ways to use the library in Jest.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPacked, type Project } from '../../tools/build/install.ts'

const JEST = resolve('node_modules/jest/bin/jest.js')
const TEST = `
const { shield, timeout } = require('escudo')
const { virtualClock } = require('escudo/testing')

test('ends with the virtual clock', async () => {
  const clock = virtualClock()
  const call = shield({ name: 's', clock }, timeout('2s')).run(() => new Promise(() => {})).catch((error) => error.code)
  await clock.advance('2s')
  expect(await call).toBe('TIMEOUT')
})

test('ends with fake timers', async () => {
  jest.useFakeTimers()
  const call = shield('s', timeout('2s')).run(() => new Promise(() => {})).catch((error) => error.code)
  await jest.advanceTimersByTimeAsync(2_000)
  expect(await call).toBe('TIMEOUT')
  jest.useRealTimers()
})
`
/** Compiles modules to CommonJS, as babel-jest, ts-jest and @swc/jest do. */
const TRANSFORM = `
const { transformSync } = require(${JSON.stringify(resolve('node_modules/@swc/core'))})
exports.process = (source) => transformSync(source, { jsc: { target: 'es2022' }, module: { type: 'commonjs' } })
`

let project: Project
beforeAll(async () => {
  project = await installPacked()
  writeFileSync(join(project.folder, 'package.json'), '{"name":"app","private":true,"type":"commonjs"}')
  writeFileSync(join(project.folder, 'app.test.js'), TEST)
  writeFileSync(join(project.folder, 'transform.js'), TRANSFORM)
})
afterAll(() => project.remove())

/** Runs Node.js in the project. Returns its output; rejects with it if the process fails. */
async function node(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: project.folder })
  return stdout + stderr
}
const jest = (config: object, ...flags: readonly string[]): Promise<string> =>
  node(...flags, JEST, '--rootDir', project.folder, '--no-cache', '--config', JSON.stringify(config))

test('a CommonJS module can require the library and import it', async () => {
  expect(await node('-p', "typeof require('escudo').shield + typeof require('escudo/http').resilientFetch")).toBe(
    'functionfunction\n',
  )
  expect(await node('-e', "import('escudo').then(({ shield }) => console.log(typeof shield))")).toBe('function\n')
})

test('Jest compiles the library with transformIgnorePatterns', async () => {
  const transform = { '\\.js$': join(project.folder, 'transform.js') }
  expect(await jest({ transform, transformIgnorePatterns: ['/node_modules/(?!escudo/)'] })).toContain('2 passed')
})

test('Jest requires the library with --experimental-vm-modules, and not without it', async () => {
  expect(await jest({ transform: {} }, '--experimental-vm-modules')).toContain('2 passed')
  await expect(jest({ transform: {} })).rejects.toThrow('Must use import to load ES Module')
})
