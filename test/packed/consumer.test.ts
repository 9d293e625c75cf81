// Packs the library, installs it in an empty project without any peer dependency, then compiles and runs a program.
import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPacked, manifestOf, type Project } from '../../tools/build/install.ts'

const TSC = resolve('node_modules/typescript/bin/tsc')

// Imports only what works without a peer: no subpath for a framework or a logger.
const PROGRAM = `
import { bulkhead, circuitBreaker, fallback, retry, shield, timeout } from 'escudo'
import { createErrorContract, defineErrors } from 'escudo/errors'
import { resilientFetch } from 'escudo/http'
import { openapiDocument } from 'escudo/openapi'
import { subscribe } from 'escudo/telemetry'
import { faults, virtualClock } from 'escudo/testing'

const end = subscribe(() => {})
const clock = virtualClock()
const inventory = shield({ name: 'inventory', clock }, fallback(null), timeout('1s'), retry(), circuitBreaker(), bulkhead({ limit: 1 }))
const broken = faults([{ fault: { status: 503 } }], { seed: 1, clock }).wrap(async (): Promise<number> => 42)
const answer: Promise<number | null> = inventory.run(() => broken())
await clock.advance('1m')
const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
const contract = createErrorContract({ service: 'shop', errors: Errors })
const { status } = contract.translate(new Errors.SOLD_OUT(), { traceId: '0'.repeat(31) + '1' })
const { openapi } = openapiDocument({ contract, info: { title: 'Shop', version: '1' }, routes: [{ method: 'GET', url: '/a', description: { errors: ['SOLD_OUT'] } }] })
end()
console.log(JSON.stringify({ answer: await answer, status, openapi, fetch: typeof resilientFetch({ name: 'inventory' }) }))
`

let project: Project
beforeAll(async () => {
  project = await installPacked()
  writeFileSync(join(project.folder, 'main.ts'), PROGRAM)
  const compilerOptions = {
    module: 'NodeNext',
    target: 'ES2023',
    lib: ['ES2023'],
    strict: true,
    skipLibCheck: false,
    typeRoots: [resolve('node_modules/@types')],
    types: ['node'],
  }
  writeFileSync(join(project.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
})
afterAll(() => project.remove())

test('compiles without any peer, with every declaration checked', () => {
  const compile = (): string =>
    execFileSync(process.execPath, [TSC, '-p', project.folder], { cwd: project.folder, encoding: 'utf8' })
  expect(compile()).toBe('')
})

test('the compiled program runs on the packed JavaScript', () => {
  const printed = execFileSync(process.execPath, ['main.js'], { cwd: project.folder, encoding: 'utf8' })
  expect(JSON.parse(printed)).toEqual({ answer: null, status: 409, openapi: '3.1.1', fetch: 'function' })
})

test('the package contains its build, README and license, but no source and no test', () => {
  expect(readdirSync(project.library).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
  const files = readdirSync(join(project.library, 'dist'), { recursive: true, encoding: 'utf8' })
  expect(files.filter((file) => /(^|\/)test(\/|$)|\.test|\.tsbuildinfo/.test(file))).toEqual([])
  expect(manifestOf(project).dependencies).toEqual({})
})
