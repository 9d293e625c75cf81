// The page about Nest shows decorators, which Node does not run and the other snippets do not have. Its service is
// compiled as users do it: types with TypeScript, decorators with swc.

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from '@swc/core'
import { afterAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../tools/tidy/repository.ts'

const run = promisify(execFile)
const page = readFileSync(join(ROOT, 'docs/nest.md'), 'utf8')
const [, service = ''] = /```typescript\n(.*?)```/s.exec(page) ?? []

// Inside the repository, so that the imports are found.
mkdirSync(join(ROOT, 'dist'), { recursive: true })
const folder = mkdtempSync(join(ROOT, 'dist/nest-page-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the service on the page about Nest', () => {
  it('compiles, with the options that Nest recommends', async () => {
    writeFileSync(join(folder, 'service.ts'), service)
    const compilerOptions = {
      noEmit: true,
      rewriteRelativeImportExtensions: false,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    }
    const project = { extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
    const compiler = run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder])
    // It fails with its messages in the same property.
    const { stdout } = await compiler.catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  }, 60_000)

  it('runs, and prints what the page says', async () => {
    const { code } = await transform(service, {
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
      module: { type: 'es6' },
      swcrc: false,
    })
    writeFileSync(join(folder, 'service.mjs'), code)
    const { stdout } = await run(process.execPath, ['--conditions=@escudo/source', join(folder, 'service.mjs')])
    expect(stdout).toContain('404 ITEM_NOT_FOUND\n')
  }, 30_000)
})
