import { execFile } from 'node:child_process'
import { access, constants, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** The longest time that an installation may take. A test's own timeout must be longer. */
export const INSTALL_MS_MAX = 240_000

/**
 * Finds a program of a Debian package; installs the package with `CI=true` as root.
 *
 * Without `CI=true` it never installs: it warns in one line that says what to install, and the caller skips its test.
 *
 * @param name the package
 * @param program the program that the package contains
 * @returns the path of the program; undefined when the test must be skipped
 * @throws Error with `CI=true` when the program cannot be installed, because CI must not skip a test
 */
export async function debianPackage(name: string, program: string): Promise<string | undefined> {
  const present = await onPath(program)
  if (present !== undefined) return present
  const isRequired = process.env['CI'] === 'true'
  if (!isRequired || process.getuid?.() !== 0) {
    const line = `skipped: '${program}' is missing; run apt-get install ${name}`
    if (isRequired) throw new Error(`${line} (the test installs it when it runs as root)`)
    console.warn(line)
    return undefined
  }
  await install(name, program)
  const installed = await onPath(program)
  if (installed === undefined) throw new Error(`the package '${name}' was installed, but it contains no '${program}'`)
  return installed
}

/** Debian's packages ask this program before they start a service. The script removes it again when it ends. */
const NO_SERVICES = `p=/usr/sbin/policy-rc.d; if [ ! -e $p ] && [ -w /usr/sbin ]; then trap "rm -f $p" EXIT; printf '#!/bin/sh\\nexit 101\\n' > $p; chmod 755 $p; fi`

async function install(name: string, program: string): Promise<void> {
  // Test files run in parallel and may install at the same time. Not every lock of apt waits, so `flock` does. The
  // script checks for the program again, because another test file may have installed it during the wait.
  const script = `command -v "$1" || { ${NO_SERVICES}; apt-get update && apt-get install -y --no-install-recommends "$2"; }`
  const args = [join(tmpdir(), 'escudo-apt.lock'), 'sh', '-c', script, 'sh', program, name]
  try {
    await execute('flock', args, {
      timeout: INSTALL_MS_MAX,
      maxBuffer: 64 * 1024 * 1024,
      // The package must not start its service: the test needs only the program.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', SYSTEMD_OFFLINE: '1' },
    })
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(`the package '${name}' could not be installed: ${stderr.trim().split('\n').at(-1)}`, {
      cause: error,
    })
  }
}

async function onPath(program: string): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...(await postgresFolders())]
  for (const folder of folders) {
    if (folder === '') continue
    const path = join(folder, program)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}

/** Debian keeps the programs of PostgreSQL in one folder per version, outside PATH. Returns the newest first. */
async function postgresFolders(): Promise<readonly string[]> {
  const root = '/usr/lib/postgresql'
  const versions = await readdir(root).catch(() => [])
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'))
}
