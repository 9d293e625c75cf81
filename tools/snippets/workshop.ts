import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from '../tidy/repository.ts'
import type { Snippet } from './extract.ts'

const COMPILE_MAX_MS = 60_000
const RUN_MAX_MS = 10_000

/** What came of a snippet. */
export interface Verdict {
  /** What the compiler says of it; empty when it has nothing to say. */
  readonly compiler: readonly string[]
  /** What it printed before it failed; undefined when it ran to its end. */
  readonly failure: string | undefined
}

/**
 * A folder in which snippets are compiled and run: inside of the repository, so that `escudo` and the frameworks are
 * found as a user would find them, and under `dist/`, which git and the linter leave alone.
 */
export class Workshop {
  readonly #folder: string
  readonly #runMaxMs: number

  /** @param options.runMaxMs how long one snippet may run, 10 seconds when left out */
  constructor(options: { readonly runMaxMs?: number } = {}) {
    const parent = join(ROOT, 'dist')
    mkdirSync(parent, { recursive: true })
    this.#folder = mkdtempSync(join(parent, 'snippets-'))
    this.#runMaxMs = options.runMaxMs ?? RUN_MAX_MS
  }

  /** Removes the folder. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Compiles all in one go, then runs each in a process of its own, two at a time. */
  async judge(snippets: readonly Snippet[]): Promise<readonly Verdict[]> {
    const files = snippets.map((snippet, index) => this.#write(snippet, index))
    const said = await this.#compile()
    const failures = await inPairs(files, (file) => this.#run(file))
    return files.map((file, index) => ({
      compiler: said.filter((line) => line.startsWith(`${basename(file)}(`)),
      failure: failures[index],
    }))
  }

  #write({ line, code }: Snippet, index: number): string {
    const file = join(this.#folder, `snippet-${index}.ts`)
    // As many lines down as in the document: what the compiler or a stack says is the line to look at.
    writeFileSync(file, '\n'.repeat(line - 1) + code)
    return file
  }

  async #compile(): Promise<readonly string[]> {
    const project = {
      extends: join(ROOT, 'tsconfig.base.json'),
      compilerOptions: {
        noEmit: true,
        rewriteRelativeImportExtensions: false,
        moduleDetection: 'force',
        // An example shows a name and leaves it.
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      include: ['*.ts'],
    }
    writeFileSync(join(this.#folder, 'tsconfig.json'), JSON.stringify(project))
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { code, output } = await execute([compiler, '-p', '.', '--pretty', 'false'], this.#folder, COMPILE_MAX_MS)
    const lines = output.split('\n').filter((line) => line !== '')
    const sane = code === 0 || lines.some((line) => /\): error TS\d+/.test(line))
    if (!sane) throw new Error(`the compiler did not do its work (${code}): ${output}`)
    return lines
  }

  async #run(file: string): Promise<string | undefined> {
    const args = ['--conditions=@escudo/source', '--disable-warning=ExperimentalWarning', file]
    const { code, output } = await execute(args, this.#folder, this.#runMaxMs)
    if (code === 0) return undefined
    return `${code === null ? `did not end within ${this.#runMaxMs} ms` : `exit code ${code}`}\n${output}`
  }
}

interface Ended {
  /** Null when it had to be killed. */
  readonly code: number | null
  readonly output: string
}

function execute(args: readonly string[], cwd: string, timeoutMs: number): Promise<Ended> {
  return new Promise((resolve) => {
    const options = {
      cwd,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      env: environment(),
      maxBuffer: 16 * 1024 * 1024,
    } as const
    const child = execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : child.exitCode, output: stdout + stderr })
    })
    child.stdin?.end()
  })
}

/** What a user's shell would have: nothing of the test runner around it. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_OPTIONS|NODE_ENV|NODE_V8_COVERAGE)/.test(name),
  )
  return Object.fromEntries(kept)
}

async function inPairs<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next; index < all.length; index = next) {
      next += 1
      results[index] = await work(all[index] as T)
    }
  }
  await Promise.all([worker(), worker()])
  return results
}
