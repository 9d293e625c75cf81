import { basename, dirname } from 'node:path'

/** Names the service after its file, without the endings of logs, rotation and compression. */
export function serviceOf(path: string): string {
  const name = basename(path).replace(/(?:\.(?:log|jsonl|ndjson|json|txt|out|gz|\d{1,8}))+$/, '')
  // IIS names its files after the day, and their folder after the site.
  if (/^u_(?:ex|in|nc)\d{2,10}(?:_x)?$/.test(name)) return basename(dirname(path))
  if (name === '-' || name === '') return path === '-' ? 'stdin' : basename(path)
  return name.replace(/\.[^.]*$/, '')
}
