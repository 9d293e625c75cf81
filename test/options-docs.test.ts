// Compares the options in the sources with the tables of the pages: no option is missing, and none is invented.
import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { ROOT } from './shop/helpers/processes.ts'

const SOURCES = 'packages/escudo/src'
/** The interface, its source, its page, and what the page writes before the name of a key. */
const INTERFACES: readonly (readonly [name: string, source: string, page: string, prefix?: string])[] = [
  ['ResilientFetchOptions', 'http/options.ts', 'http.md'],
  ['PropagateOptions', 'http/options.ts', 'http.md'],
  ['FaultsOptions', 'testing/faults/engine.ts', 'testing.md'],
  ['FaultSwitchOptions', 'testing/faults/switch.ts', 'testing.md'],
  ['FaultEvent', 'testing/faults/engine.ts', 'testing.md'],
  ['FaultInjector', 'testing/faults/faults.ts', 'testing.md'],
  ['FaultMatch', 'testing/faults/plan.ts', 'testing.md', 'match.'],
  ['Fault', 'testing/faults/plan.ts', 'testing.md', 'fault.'],
  ['FaultRule', 'testing/faults/plan.ts', 'testing.md'],
  ['ErrorDefinition', 'errors/catalogue/definition.ts', 'errors.md'],
  ['ErrorContractOptions', 'errors/contract/contract.ts', 'errors.md'],
  ['LoggerSettings', 'telemetry/pino.ts', 'telemetry.md'],
  ['LineSettings', 'telemetry/lines/line-settings.ts', 'telemetry.md'],
  ['FleetOptions', 'fleet/options.ts', 'fleet.md'],
]

describe.each(INTERFACES.map(([name, source, page, prefix = '']) => ({ name, source, page, prefix })))(
  '$name',
  (row) => {
    const { name, source, page, prefix } = row
    test(`docs/${page} has each of its keys in a table`, async () => {
      const keys = keysOf(await readFile(`${ROOT}/${SOURCES}/${source}`, 'utf8'), name)
      expect(keys.length).toBeGreaterThan(1)
      const rows = (await readFile(`${ROOT}/docs/${page}`, 'utf8')).split('\n').filter((line) => line.startsWith('|'))
      const missing = keys.filter((key) => !rows.some((row) => row.match(new RegExp(`\`${prefix}${key}\\b`))))
      expect(missing).toEqual([])
    })
  },
)

/** The names of the properties and methods of an interface: the words that its lines of two spaces begin with. */
function keysOf(source: string, name: string): readonly string[] {
  const body = new RegExp(`^export interface ${name}\\b[^\\n]*\\{\\n(.*?)^\\}`, 'ms').exec(source)?.[1] ?? ''
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)].map(([, key = '']) => key)
}

test('docs/http.md describes no option that does not exist', async () => {
  const text = await readFile(`${ROOT}/docs/http.md`, 'utf8')
  const table = /^\| option .*?^$/ms.exec(text)?.[0] ?? ''
  const named = [...table.matchAll(/^\| \[?`(\w+)`/gm)].map(([, option = '']) => option)
  const source = await readFile(`${ROOT}/${SOURCES}/http/options.ts`, 'utf8')
  expect(named.toSorted()).toEqual(keysOf(source, 'ResilientFetchOptions').toSorted())
})

test('docs/levers.md names every option that cannot change', async () => {
  const fixed = new Set<string>()
  const folder = `${ROOT}/${SOURCES}/policies`
  for (const path of await readdir(folder, { recursive: true })) {
    if (!path.endsWith('.ts')) continue
    const source = await readFile(`${folder}/${path}`, 'utf8')
    const [, list = ''] = /new ChangeableOptions\(.*, \[(.*)\]\)/.exec(source) ?? []
    for (const [, name = ''] of list.matchAll(/'(\w+)'/g)) fixed.add(name)
  }
  expect(fixed.size).toBeGreaterThan(1)
  const text = await readFile(`${ROOT}/docs/levers.md`, 'utf8')
  const named = /^These cannot change.*$/m.exec(text)?.[0] ?? ''
  expect([...fixed].filter((name) => !named.includes(`\`${name}\``))).toEqual([])
})
