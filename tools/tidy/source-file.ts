/** A file of the repository, as the rules see it. */
export interface SourceFile {
  /** From the root of the repository, with `/` between folders on every system. */
  readonly path: string
  readonly text: string
}

/** The number of the line, from 1, in which a place of the text stands. */
export function lineOf(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length
}

/** Whether it is TypeScript that ships or runs, and not a test of it. */
export function isSource(path: string): boolean {
  return path.endsWith('.ts') && !isTest(path)
}

/** Whether it is a test, of behaviour or of types. */
export function isTest(path: string): boolean {
  return /\.(test|test-d|harness)\.ts$/.test(path)
}
