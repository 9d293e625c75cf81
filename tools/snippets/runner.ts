import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from '../tidy/repository.ts'
import type { Snippet } from './extract.ts'

const COMPILE_MAX_MS = 60_000
const RUN_MAX_MS = 10_000

/** The result of compiling and running one snippet. */
export interface SnippetResult {
  /** The compiler's errors, one a line; empty if it compiles. */
  readonly compilerErrors: readonly string[]
  /** The exit code or timeout, followed by the output; undefined if the snippet exited with 0. */
  readonly failure: string | undefined
  /** What the snippet printed. */
  readonly output: string
}

/**
 * Compiles and runs snippets in a temporary folder.
 *
 * The folder is inside the repository, so that imports of `escudo` and the frameworks resolve as for a user. It is in
 * `dist/`, because git and the linter ignore that folder.
 */
export class SnippetRunner {
  readonly #folder: string
  readonly #runMaxMs: number

  /** @param options.runMaxMs the time limit of one snippet in milliseconds, by default 10,000 */
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

  /** Compiles all snippets together, then runs each in a separate process, two at a time. */
  async run(snippets: readonly Snippet[]): Promise<readonly SnippetResult[]> {
    const files = snippets.map((snippet, index) => this.#write(snippet, index))
    const errors = await this.#compile()
    const runs = await inPairs(files, (file) => this.#runFile(file))
    return runs.map((run, index) => {
      const file = basename(files[index] as string)
      return { compilerErrors: errors.filter((line) => line.startsWith(`${file}(`)), ...run }
    })
  }

  #write({ line, code }: Snippet, index: number): string {
    const file = join(this.#folder, `snippet-${index}.ts`)
    // Padded with empty lines, so that line numbers in errors and stacks are those of the document.
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
        // An example may declare a name that it does not use.
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      include: ['*.ts'],
    }
    writeFileSync(join(this.#folder, 'tsconfig.json'), JSON.stringify(project))
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { code, output } = await execute([compiler, '-p', '.', '--pretty', 'false'], this.#folder, COMPILE_MAX_MS)
    const lines = output.split('\n').filter((line) => line !== '')
    const compiled = code === 0 || lines.some((line) => /\): error TS\d+/.test(line))
    if (!compiled) throw new Error(`the compiler failed (exit code ${code}): ${output}`)
    return lines
  }

  async #runFile(file: string): Promise<Pick<SnippetResult, 'failure' | 'output'>> {
    const args = ['--conditions=@escudo/source', '--disable-warning=ExperimentalWarning', file]
    const { code, output } = await execute(args, this.#folder, this.#runMaxMs)
    if (code === 0) return { failure: undefined, output }
    const ended = code === null ? `did not end within ${this.#runMaxMs} ms` : `exit code ${code}`
    return { failure: `${ended}\n${output}`, output }
  }
}

interface Ended {
  /** Null if it was killed at its time limit. */
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

/** Returns the environment without the variables of the test runner. */
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
