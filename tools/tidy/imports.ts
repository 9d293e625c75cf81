import { lineOf, type SourceFile } from './source-file.ts'
import { programOf, stringOf, walk } from './syntax.ts'

/** One import of a file. */
export interface Import {
  /** What stands in quotes. */
  readonly specifier: string
  readonly line: number
  /** `import('…')` as an expression: it loads when it is reached, not with the file. */
  readonly dynamic: boolean
}

const STATIC = ['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'TSImportType']

/** Everything that a file imports or exports again, types included, in the order of the text. */
export function importsOf(file: SourceFile): readonly Import[] {
  const imports: Import[] = []
  for (const node of walk(programOf(file))) {
    const dynamic = node.type === 'ImportExpression'
    if (!dynamic && !STATIC.includes(node.type)) continue
    const specifier = stringOf(node['source']) ?? stringOf(node['argument'])
    if (specifier !== undefined) imports.push({ specifier, line: lineOf(file, node.start), dynamic })
  }
  return imports
}
