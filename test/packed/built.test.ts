// The built files, as npm installs them: what they contain, share and load, and whether their source maps are right.
import { readdirSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installPacked, manifestOf, type Project } from '../../tools/build/install.ts'
import { storedFiles } from '../../tools/tidy/repository.ts'
import { isSource } from '../../tools/tidy/source-file.ts'

const NEST = ['@nestjs/common', '@nestjs/core', 'rxjs']
const PEERS = [
  '@opentelemetry/api',
  'express',
  'fastify',
  'hono',
  'koa',
  'pino',
  'rotating-file-stream',
  'undici',
  'winston',
  // Nest is one peer in several packages.
  ...NEST,
  'reflect-metadata',
]
const SOURCES = storedFiles()
  .map(({ path }) => path)
  .filter((path) => path.startsWith('packages/escudo/src/') && isSource(path) && !path.includes('/test/'))

let project: Project
/** Each built file by its path inside `dist`. */
let files: ReadonlyMap<string, string>
/** The built file of each public subpath. */
let entries: ReadonlyMap<string, string>

beforeAll(async () => {
  project = await installPacked(PEERS)
  const dist = join(project.library, 'dist')
  const names = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name))
  files = new Map(names.map((name) => [name, readFileSync(join(dist, name), 'utf8')]))
  entries = new Map(
    Object.entries(manifestOf(project).exports).flatMap(([subpath, conditions]) =>
      typeof conditions === 'string' ? [] : [[subpath, conditions.default.replace('./dist/', '')]],
    ),
  )
})
afterAll(() => project.remove())

const scripts = (): readonly string[] => [...files.keys()].filter((name) => name.endsWith('.js'))

function importsOf(name: string): readonly string[] {
  const matches = (files.get(name) as string).matchAll(/^(?:import|export)\b[^"'`;]*?["']([^"']+)["'];$/gm)
  return [...matches].map(([, specifier = '']) =>
    specifier.startsWith('.') ? posix.join(dirname(name), specifier) : specifier,
  )
}

/** The built files that a file loads only when they are needed. */
function laterImportsOf(name: string): readonly string[] {
  const matches = (files.get(name) as string).matchAll(/\bimport\(["'](\.[^"']+)["']\)/g)
  return [...matches].map(([, specifier = '']) => posix.join(dirname(name), specifier))
}

/** Everything that a file loads, itself included: built files, packages and modules of Node. */
function loadedBy(name: string, found: Set<string> = new Set()): ReadonlySet<string> {
  if (found.has(name)) return found
  found.add(name)
  if (files.has(name)) for (const next of importsOf(name)) loadedBy(next, found)
  return found
}

interface RawMap {
  readonly sources: readonly string[]
  readonly sourcesContent: readonly string[]
}
const mapOf = (name: string): RawMap => JSON.parse(files.get(`${name}.map`) as string)

describe('files', () => {
  test('every script is a subpath, or a chunk that two scripts import or one loads later', () => {
    const imported = scripts().flatMap(importsOf)
    const later = new Set(scripts().flatMap(laterImportsOf))
    const superfluous = scripts().filter((name) => {
      const uses = later.has(name) ? 2 : imported.filter((other) => other === name).length
      return ![...entries.values()].includes(name) && (!name.startsWith('chunks/') || uses < 2)
    })
    expect(superfluous).toEqual([])
    expect([...entries.values()].filter((name) => !files.has(name))).toEqual([])
  })

  test('beside the scripts there are only their source maps and one declaration for each source', () => {
    const declarations = SOURCES.map((path) => path.replace(/^packages\/escudo\/src\/(.*)\.ts$/, '$1.d.ts'))
    const expected = [...scripts(), ...scripts().map((name) => `${name}.map`), ...declarations]
    expect([...files.keys()].sort()).toEqual(expected.sort())
  })

  test('a subpath loads at most ten files', () => {
    for (const name of entries.values()) {
      // Nest has two platforms, and so the parts of two adapters.
      const max = name === 'server/nest.js' ? 12 : 10
      expect([...loadedBy(name)].filter((loaded) => files.has(loaded)).length, name).toBeLessThanOrEqual(max)
    }
  })

  test('each source is in one file only, so that no state exists twice', () => {
    const places = scripts().flatMap((name) => mapOf(name).sources.map((source) => posix.join(dirname(name), source)))
    const twice = places.filter((place, index) => places.indexOf(place) !== index)
    expect(twice).toEqual([])
  })
})

describe('imports', () => {
  test('what runs everywhere loads no package and no module of Node', () => {
    for (const subpath of ['.', './errors', './http']) {
      const loaded = [...loadedBy(entries.get(subpath) as string)]
      expect(
        loaded.filter((name) => !files.has(name)),
        subpath,
      ).toEqual([])
    }
  })

  // An import reads every export, also those that Node loads on demand: `fetch` and WebSocket, in 20 ms.
  test('no subpath imports the HTTP modules of Node, which are looked up when they are used', () => {
    for (const [subpath, name] of entries) {
      const loaded = [...loadedBy(name)]
      for (const slow of ['node:http', 'node:https', 'node:http2', 'node:inspector'])
        expect(loaded, subpath).not.toContain(slow)
    }
  })

  // undici replaces the dispatcher of the global `fetch` when it loads.
  test('no subpath changes what is global, and `escudo/undici` loads no undici', () => {
    // Nest itself adds the global helpers of tslib.
    const subpaths = [...entries.keys()].filter((subpath) => subpath !== './nest')
    const program = `
      const keys = () => Reflect.ownKeys(globalThis).map(String)
      const before = keys()
      for (const subpath of ${JSON.stringify(subpaths)}) await import(subpath.replace('.', 'escudo'))
      const added = keys().filter((key) => !before.includes(key))
      console.log(JSON.stringify(added))
    `
    expect(JSON.parse(project.run(program))).toEqual([])
    expect(importsOf(entries.get('./undici') as string)).not.toContain('undici')
  })

  test('no subpath loads the peer of another', () => {
    const peersOf = (subpath: string): readonly string[] =>
      [...loadedBy(entries.get(subpath) as string)].filter((name) => PEERS.includes(name))
    for (const subpath of entries.keys()) {
      const peers = subpath === './nest' ? peersOf(subpath).filter((name) => !NEST.includes(name)) : peersOf(subpath)
      expect(peers.length, `${subpath} loads ${peers}`).toBeLessThanOrEqual(1)
    }
    expect(['./openapi', './telemetry', './testing'].flatMap(peersOf)).toEqual([])
  })
})

describe('identity', () => {
  test('an error class is the same whichever subpath it comes from', () => {
    const program = `
      const classes = new Map()
      for (const subpath of ${JSON.stringify([...entries.keys()])}) {
        for (const [name, value] of Object.entries(await import(subpath.replace('.', 'escudo')))) {
          if (value?.prototype instanceof Error) classes.set(name, [...(classes.get(name) ?? []), value])
        }
      }
      const shared = [...classes].filter(([, values]) => values.length > 1)
      console.log(JSON.stringify(shared.map(([name, values]) => [name, new Set(values).size])))
    `
    expect(JSON.parse(project.run(program))).toContainEqual(['ConfigurationError', 1])
    expect(JSON.parse(project.run(program)).filter(([, different]: [string, number]) => different > 1)).toEqual([])
  })

  test('errors, context and registry of one subpath are known to the others', () => {
    const program = `
      import { createServer } from 'node:http'
      import { bulkhead, BulkheadFullError, PolicyError, shield, withContext } from 'escudo'
      import { factsOf, isRefusal } from 'escudo/errors'
      import { resilientFetch } from 'escudo/http'
      import { createMetrics, subscribe } from 'escudo/telemetry'

      const metrics = createMetrics()
      let events = 0
      subscribe(() => {
        events += 1
      })
      let trace
      const server = createServer((request, response) => {
        trace = request.headers.traceparent
        response.end('{}')
      }).listen(0, '127.0.0.1')
      await new Promise((listening) => server.once('listening', listening))
      const baseUrl = 'http://127.0.0.1:' + server.address().port
      const stock = resilientFetch({ name: 'stock', baseUrl, shield: shield('stock', bulkhead({ limit: 1, queue: 0 })) })
      const traceparent = '00-' + 'a'.repeat(32) + '-' + 'b'.repeat(16) + '-01'
      const [first, second] = await withContext({ traceparent }, () => Promise.allSettled([stock('/'), stock('/')]))
      await first.value.text()
      server.close()
      server.closeAllConnections()
      const refusal = second.reason
      console.log(JSON.stringify({
        isClass: refusal instanceof BulkheadFullError && refusal instanceof PolicyError,
        isRefusal: isRefusal(refusal),
        status: factsOf(refusal)?.status,
        name: refusal.name,
        className: refusal.constructor.name,
        trace: trace?.slice(0, 36),
        isCounted: metrics.scrape().body.includes('escudo_bulkhead_rejections_total{escudo_shield="stock"'),
        events,
      }))
    `
    expect(JSON.parse(project.run(program))).toEqual({
      isClass: true,
      isRefusal: true,
      status: 503,
      name: 'BulkheadFullError',
      className: 'BulkheadFullError',
      trace: `00-${'a'.repeat(32)}-`,
      isCounted: true,
      events: 1,
    })
  })

  test('classes and functions keep their names', () => {
    const program = `
      const renamed = []
      for (const subpath of ${JSON.stringify([...entries.keys()])}) {
        for (const [name, value] of Object.entries(await import(subpath.replace('.', 'escudo')))) {
          if (typeof value === 'function' && value.name !== name) renamed.push([subpath, name, value.name])
        }
      }
      console.log(JSON.stringify(renamed))
    `
    expect(JSON.parse(project.run(program))).toEqual([])
  })
})

describe('source maps', () => {
  test('contain the sources as they are, under their paths in the repository', () => {
    for (const name of scripts()) {
      const { sources, sourcesContent } = mapOf(name)
      for (const [index, source] of sources.entries()) {
        const path = posix.join('packages/escudo/dist', dirname(name), source)
        expect(SOURCES, `${name} names ${source}`).toContain(path)
        expect(sourcesContent[index] === readFileSync(path, 'utf8'), path).toBe(true)
      }
    }
  })

  test('map every function and every class to the line that declares it', () => {
    let checked = 0
    const wrong: string[] = []
    for (const name of scripts()) {
      const map = new SourceMap(JSON.parse(files.get(`${name}.map`) as string))
      const { sources, sourcesContent } = mapOf(name)
      for (const [line, text] of (files.get(name) as string).split('\n').entries()) {
        const declared = /^\t*(?:async )?(?:function\*?|class) (\w+)/.exec(text)
        if (declared === null) continue
        const column = text.indexOf(declared[1] as string)
        const entry = map.findEntry(line, column)
        const original = 'originalSource' in entry ? entry : undefined
        const content = sourcesContent[sources.indexOf(original?.originalSource ?? '')]
        const originalLine = content?.split('\n')[original?.originalLine ?? 0] ?? ''
        checked += 1
        // The bundler adds a number where two files use the same name.
        if (!originalLine.includes((declared[1] as string).replace(/\$\d+$/, '')))
          wrong.push(`${name}:${line + 1}: ${text}`)
      }
    }
    expect(wrong).toEqual([])
    expect(checked).toBeGreaterThan(500)
  })

  test.each([
    ['a rejected option', `import { retry } from 'escudo'; retry({ retries: 'many' })`],
    ['a mistake in a catalogue', `import { defineErrors } from 'escudo/errors'; defineErrors({ 'no code': {} })`],
    ['the options of a client', `import { resilientFetch } from 'escudo/http'; resilientFetch({ nme: 'stock' })`],
    ['the options of a server', `import { contractOptions } from 'escudo/fastify'; contractOptions({})`],
  ])('a stack names files and lines of the sources: %s', (_, program) => {
    const marked = `${program.replace('; ', '; try { ')} } catch (error) { console.log(error.stack) }`
    const stack = project.run(marked, '--enable-source-maps')
    const frames = [...stack.matchAll(/^ +at (?:new )?[\w.#]+ \(.*\/escudo\/(src\/.+\.ts):(\d+):\d+\)$/gm)]
    expect(frames.length, stack).toBeGreaterThan(1)
    for (const [, path, line] of frames) {
      const text = readFileSync(join('packages/escudo', path as string), 'utf8').split('\n')[Number(line) - 1]
      expect(text, `${path}:${line}`).toMatch(/\(/)
    }
    expect(stack).not.toMatch(/\/dist\/.+\.js/)
  })
})
