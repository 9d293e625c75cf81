import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { debianPackage } from './debian.ts'

// PATH is one temporary folder of fake programs, so the programs of the machine do not matter.

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-debian-'))
  vi.stubEnv('PATH', folder)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

async function put(name: string, script: string): Promise<void> {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
}
const asUser = (id: number): void => void vi.spyOn(process, 'getuid').mockReturnValue(id)

test('finds a program that is installed, for any user and also in CI', async () => {
  vi.stubEnv('CI', 'true')
  asUser(1000)
  await put('promtool', 'exit 0')
  expect(await debianPackage('prometheus', 'promtool')).toBe(join(folder, 'promtool'))
})

test.skipIf(!existsSync('/usr/lib/postgresql'))('finds PostgreSQL, which Debian keeps outside PATH', async () => {
  expect(await debianPackage('postgresql', 'postgres')).toMatch(/^\/usr\/lib\/postgresql\/\d+\/bin\/postgres$/)
})

test('ignores a file that is not executable', async () => {
  vi.stubEnv('CI', '')
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  await writeFile(join(folder, 'promtool'), 'text')
  expect(await debianPackage('prometheus', 'promtool')).toBeUndefined()
})

test('outside CI, skips with one line that says what to install, also for root', async () => {
  vi.stubEnv('CI', '')
  asUser(0)
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  expect(await debianPackage('prometheus', 'promtool')).toBeUndefined()
  expect(warn.mock.calls).toEqual([["skipped: 'promtool' is missing; run apt-get install prometheus"]])
})

test('in CI, fails without the right to install', async () => {
  vi.stubEnv('CI', 'true')
  asUser(1000)
  await expect(debianPackage('prometheus', 'promtool')).rejects.toThrow(/apt-get install prometheus/)
})

test('in CI, root installs the package under a lock and starts no service', async () => {
  vi.stubEnv('CI', 'true')
  asUser(0)
  // Replaces `flock FILE sh -c SCRIPT`; the fake apt-get creates the program.
  await put('flock', `shift; PATH="${folder}:/usr/bin:/bin"; export PATH; exec "$@"`)
  await put(
    'apt-get',
    `echo "$* $SYSTEMD_OFFLINE $DEBIAN_FRONTEND" >> ${folder}/calls; [ "$1" = update ] || { touch ${folder}/no-such-tool; chmod 755 ${folder}/no-such-tool; }`,
  )
  expect(await debianPackage('prometheus', 'no-such-tool')).toBe(join(folder, 'no-such-tool'))
  expect(await readFile(join(folder, 'calls'), 'utf8')).toBe(
    'update 1 noninteractive\ninstall -y --no-install-recommends prometheus 1 noninteractive\n',
  )
})

test('fails with the reason when the installation fails or lacks the program', async () => {
  vi.stubEnv('CI', 'true')
  asUser(0)
  await put('flock', 'echo "E: Unable to locate package nonsense" >&2; exit 100')
  await expect(debianPackage('nonsense', 'promtool')).rejects.toThrow(/Unable to locate package nonsense/)
  await put('flock', 'exit 0')
  await expect(debianPackage('prometheus', 'promtool')).rejects.toThrow(/contains no 'promtool'/)
})
