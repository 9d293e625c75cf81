import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { refused } from '../command.ts'
import { GENERATED } from './generated.ts'

/**
 * Writes files into a folder. Each file is replaced as a whole, so that no reader sees half of it.
 *
 * @param force whether to replace files that this command did not write
 * @param isOwn whether a text is that of a file of the command
 * @throws CommandError if a file is not the command's own, or cannot be written. Nothing is changed then, unless the
 * error comes from the very last step
 */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string>>,
  force: boolean,
  // In JSON, the line is the description of the dashboard. JSON keeps its characters as they are.
  isOwn: (text: string) => boolean = (text) => text.includes(GENERATED),
): Promise<void> {
  const targets = Object.entries(files).map(([name, text]) => ({
    path: join(folder, name),
    temporary: join(folder, `.${name}.${process.pid}.tmp`),
    text,
  }))
  try {
    await mkdir(folder, { recursive: true })
    for (const { path } of targets) {
      if (!force && !(await isReplaceable(path, isOwn))) {
        throw refused(`${path} was not written by this command. Choose another --out DIR, or replace it with --force`)
      }
    }
    for (const { temporary, text } of targets) await writeFile(temporary, text)
    for (const { path, temporary } of targets) await rename(temporary, path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw refused(`cannot write to ${folder}: ${message}`)
  } finally {
    for (const { temporary } of targets) await rm(temporary, { force: true }).catch(() => {})
  }
}

/** Whether the path is free or has a file of this command. */
async function isReplaceable(path: string, isOwn: (text: string) => boolean): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined || isOwn(text)
}
