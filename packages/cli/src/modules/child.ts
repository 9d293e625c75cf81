import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { misuse, refused } from '../command.ts'
import type { Message } from './reply.ts'

// A user's modules are loaded in a separate process: they may leave timers and sockets open, or never finish.

/** Node's exit code when the top-level `await` of a module never settles. */
const EXIT_UNSETTLED = 13
const OUTPUT_CHARACTERS_MAX = 2_000

/**
 * Returns the absolute paths of modules.
 *
 * @throws CommandError if one does not exist
 */
export function modulePaths(files: readonly string[]): readonly string[] {
  const paths = files.map((file) => resolve(file))
  const missing = paths.find((path) => !existsSync(path))
  if (missing !== undefined) throw misuse(`the module ${missing} does not exist`)
  return paths
}

/**
 * Runs a program that loads modules, and returns what it sends with {@link reply}.
 *
 * @param program the URL of the program
 * @param toRead its argument, sent as JSON
 * @param names the modules, for messages
 * @throws CommandError if the modules do not load within `limitMs`, or throw
 */
export function readInChild<Read>(program: URL, toRead: object, limitMs: number, names: string): Promise<Read> {
  // The process gets the options of this one, such as `--conditions` or a loader for TypeScript.
  const child = fork(fileURLToPath(program), [JSON.stringify(toRead)], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  return new Promise((resolve, reject) => {
    const output = tailOf(child)
    const fail = (problem: string): void => {
      const printed = output().trim()
      reject(refused(`${names}: ${problem}${printed === '' ? '' : `\n${printed}`}`))
    }
    const end = (): void => {
      child.kill('SIGKILL')
      // A process that the module has started may keep them open.
      child.stdout?.destroy()
      child.stderr?.destroy()
    }
    const limit = setTimeout(() => {
      end()
      fail(
        `did not load within ${limitMs / 1_000} s. Name a module that only builds the shields, or raise --timeout SECONDS`,
      )
    }, limitMs)
    child.on('message', (message) => {
      const reply = (message as Partial<Message<Read>> | null)?.escudo
      if (reply === undefined) return
      clearTimeout(limit)
      end()
      if (reply.ok) resolve(reply.read)
      else fail(`could not be loaded: ${reply.problem}`)
    })
    child.once('error', (error) => fail(`could not be loaded: ${error.message}`))
    // Not `exit`, which can come before the last output.
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      // After a message, this changes nothing.
      fail(
        code === EXIT_UNSETTLED
          ? 'waits for something that never happens: its top-level await does not settle'
          : `ended its process (${signal ?? `exit code ${code}`}) while it was loaded. Name a module that only builds the shields`,
      )
    })
  })
}

/** Keeps the end of what a process prints. */
function tailOf({ stdout, stderr }: ChildProcess): () => string {
  let text = ''
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_CHARACTERS_MAX)
    })
  }
  return () => text
}

/** The name in the nearest `package.json`, without its scope; without one, the name of the folder. */
export function packageName(path: string): string {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const name = nameIn(join(folder, 'package.json'))
    if (name !== undefined) return name.replace(/^@[^/]+\//, '')
    if (folder === dirname(folder)) return basename(dirname(path)) || 'service'
  }
}

function nameIn(manifest: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown }
    return typeof name === 'string' && name !== '' ? name : undefined
  } catch {
    return undefined
  }
}
