import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { FileIdentities, identityOf } from '../file-identities.ts'
import { OpenLog } from '../open-log.ts'

const handle = { close: async () => {} } as unknown as FileHandle

test('tells files apart whose inodes differ only in the last of 64 bits', () => {
  const stats = (ino: bigint): BigIntStats => ({ dev: 1n, ino }) as BigIntStats
  expect(identityOf(stats(2n ** 63n))).not.toBe(identityOf(stats(2n ** 63n + 1n)))
})

test('remembers how far a closed file was read, but not more than a thousand files', async () => {
  const identities = new FileIdentities()
  for (let file = 0; file < 1_200; file += 1) {
    const log = new OpenLog('a', handle, 0)
    log.readTo = file
    identities.hold(`1:${file}`, log, log)
    expect(identities.open(`1:${file}`)?.log).toBe(log)
    await log.close()
    await log.close()
    expect(identities.open(`1:${file}`)).toBeUndefined()
  }
  expect(identities.closed('1:1199')?.offset).toBe(1_199)
  expect(identities.closed('1:199')).toBeUndefined()
})
