/** A text file that rules check. */
export interface SourceFile {
  /** Relative to the root of the repository, with `/` as separator on every system. */
  readonly path: string
  readonly text: string
}

/** Returns the line number, from 1, of an offset. */
export function lineOf(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length
}

/** Whether a path is TypeScript other than a test. */
export function isSource(path: string): boolean {
  return path.endsWith('.ts') && !isTest(path)
}

/** Whether a path is a test, a type test or any file in a `test` folder. */
export function isTest(path: string): boolean {
  return /\.(test|test-d|harness)\.ts$|(^|\/)test\//.test(path)
}
