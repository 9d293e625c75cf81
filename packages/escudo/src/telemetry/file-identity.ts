import { fstatSync, type Stats } from 'node:fs'

/** The stats of an open file; undefined if it is closed. */
export function statsOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd)
  } catch {
    return undefined
  }
}

/** Identifies a file or pipe, whatever path or descriptor leads to it. */
export function identityOf(stats: Stats | undefined): string {
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}`
}
