import type { SourceFile } from '../tidy/source-file.ts'
import { programOf, type SyntaxNode } from '../tidy/syntax.ts'

/**
 * The titles of the tests in a file, each behind those of its groups: `a breaker > opens`. The titles of tables are as
 * they are written, with their `%s` and `$name`.
 */
export function testTitles(file: SourceFile): readonly string[] {
  const titles: string[] = []
  visit(programOf(file), '', titles)
  return titles
}

const TESTS: ReadonlySet<string> = new Set(['test', 'it'])

function visit(node: SyntaxNode, group: string, titles: string[]): void {
  let inside = group
  if (node.type === 'CallExpression') {
    const callee = rootOf(node['callee'] as SyntaxNode)
    const title = textOf((node['arguments'] as readonly SyntaxNode[])[0])
    if (title !== undefined && callee === 'describe') inside = `${group}${title} > `
    if (title !== undefined && TESTS.has(callee ?? '')) titles.push(group + title)
  }
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof (child as SyntaxNode | null)?.type === 'string') visit(child as SyntaxNode, inside, titles)
    }
  }
}

/** `test` of `test`, of `test.each(…)` and of `test.skipIf(…)`; of the inner call of a table, nothing. */
function rootOf(node: SyntaxNode): string | undefined {
  if (node.type === 'Identifier') return node['name'] as string
  if (node.type === 'CallExpression') return rootOf(node['callee'] as SyntaxNode)
  return node.type === 'MemberExpression' ? rootOf(node['object'] as SyntaxNode) : undefined
}

/** The text of a literal; of a template, with `…` in place of what is put in. */
function textOf(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node['value'] === 'string') return node['value']
  if (node?.type !== 'TemplateLiteral') return undefined
  const parts = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[]
  return parts.map(({ value }) => value.cooked).join('…')
}
