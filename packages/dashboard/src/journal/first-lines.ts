/** The most lines from which the units of a file's durations are decided before anything is counted. */
const LINES_MAX = 200

/** Returns the first lines that are not blank. */
export function firstLines(bytes: Buffer): readonly string[] {
  return bytes
    .toString('utf8')
    .split('\n', LINES_MAX)
    .filter((line) => line.trim() !== '')
}
