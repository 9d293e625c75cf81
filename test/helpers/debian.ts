import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** How long an installation may take; a test's own limit has to be longer. */
export const INSTALL_MS_MAX = 240_000

/**
 * A program of a Debian package that tests need and machines may lack. With `CI=true` and as root it is installed; else
 * the test that needs it is to be skipped, and one line says what to install.
 *
 * @param name of the package
 * @param program that it brings
 * @returns where the program is; undefined when the test is to be skipped
 * @throws Error with `CI=true` when it cannot be had: there a test that is skipped is one that failed
 */
export async function debianPackage(name: string, program: string): Promise<string | undefined> {
  const present = await onPath(program)
  if (present !== undefined) return present
  const mustHave = process.env['CI'] === 'true'
  if (!mustHave || process.getuid?.() !== 0) {
    const line = `skipped for want of '${program}': apt-get install ${name}`
    if (mustHave) throw new Error(`${line} (as root it is installed by the test)`)
    console.warn(line)
    return undefined
  }
  await install(name, program)
  const installed = await onPath(program)
  if (installed === undefined) throw new Error(`the package '${name}' was installed and brought no '${program}'`)
  return installed
}

async function install(name: string, program: string): Promise<void> {
  // Test files run beside one another and may want packages at the same time; apt's own locks do not wait for each
  // other everywhere. Who waited here may find that the program has come meanwhile.
  const script = `command -v "$1" || { apt-get update && apt-get install -y --no-install-recommends "$2"; }`
  const args = [join(tmpdir(), 'escudo-apt.lock'), 'sh', '-c', script, 'sh', program, name]
  try {
    await execute('flock', args, {
      timeout: INSTALL_MS_MAX,
      maxBuffer: 64 * 1024 * 1024,
      // A package that brings a service must not start it: only its program is wanted.
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
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
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
