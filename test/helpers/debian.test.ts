import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { debianPackage } from './debian.ts'

// Against a folder of programs that are made here, in place of the machine's own.

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

test('a program that is there is found, whoever asks', async () => {
  vi.stubEnv('CI', 'true')
  asUser(1000)
  await put('promtool', 'exit 0')
  expect(await debianPackage('prometheus', 'promtool')).toBe(join(folder, 'promtool'))
})

test('a file that cannot be run is no program', async () => {
  vi.stubEnv('CI', '')
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  await writeFile(join(folder, 'promtool'), 'text')
  expect(await debianPackage('prometheus', 'promtool')).toBeUndefined()
})

test('outside of CI it is to be skipped, with one line that says what to install, also for root', async () => {
  vi.stubEnv('CI', '')
  asUser(0)
  const said = vi.spyOn(console, 'warn').mockImplementation(() => {})
  expect(await debianPackage('prometheus', 'promtool')).toBeUndefined()
  expect(said.mock.calls).toEqual([["skipped for want of 'promtool': apt-get install prometheus"]])
})

test('in CI without the right to install it fails', async () => {
  vi.stubEnv('CI', 'true')
  asUser(1000)
  await expect(debianPackage('prometheus', 'promtool')).rejects.toThrow(/apt-get install prometheus/)
})

test('in CI root installs it, behind a lock, and without starting anything', async () => {
  vi.stubEnv('CI', 'true')
  asUser(0)
  // Stands for `flock FILE sh -c SCRIPT`, with an apt-get that brings the program.
  await put('flock', `shift; PATH="${folder}:/usr/bin:/bin"; export PATH; exec "$@"`)
  await put(
    'apt-get',
    `echo "$* $SYSTEMD_OFFLINE $DEBIAN_FRONTEND" >> ${folder}/said; [ "$1" = update ] || { touch ${folder}/no-such-tool; chmod 755 ${folder}/no-such-tool; }`,
  )
  expect(await debianPackage('prometheus', 'no-such-tool')).toBe(join(folder, 'no-such-tool'))
  expect(await readFile(join(folder, 'said'), 'utf8')).toBe(
    'update 1 noninteractive\ninstall -y --no-install-recommends prometheus 1 noninteractive\n',
  )
})

test('an installation that fails, or brings no such program, fails the test with the reason', async () => {
  vi.stubEnv('CI', 'true')
  asUser(0)
  await put('flock', 'echo "E: Unable to locate package nonsense" >&2; exit 100')
  await expect(debianPackage('nonsense', 'promtool')).rejects.toThrow(/Unable to locate package nonsense/)
  await put('flock', 'exit 0')
  await expect(debianPackage('prometheus', 'promtool')).rejects.toThrow(/brought no 'promtool'/)
})
