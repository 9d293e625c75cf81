import MagicString from 'magic-string'
import type { Plugin } from 'rolldown'
import { type ESTree, parseSync, Visitor } from 'rolldown/utils'

const PURE = '/* @__PURE__ */ '

/**
 * Marks what a module does when it loads, so that a user's bundler can drop what the user does not import.
 *
 * The package declares `sideEffects: false`: a bundler may drop each source that is not used. The built files contain
 * many sources, so the same promise must be written at each statement.
 */
export function droppable(): Plugin {
  return {
    name: 'droppable',
    transform: {
      filter: { id: /\.ts$/ },
      handler(code, id) {
        const text = markDroppable(code, id)
        return { code: text.toString(), map: text.generateMap({ source: id, hires: true, includeContent: true }) }
      },
    },
  }
}

/** Marks calls in the initial values of a module's constants as pure, and joins classes with what completes them. */
export function markDroppable(code: string, path: string): MagicString {
  const { program, errors } = parseSync(path, code)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  const text = new MagicString(code)
  markConstants(text, program)
  for (const [index, statement] of program.body.entries()) {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declared?.type === 'ClassDeclaration' && declared.id !== null) {
      const completing = completingStatements(program.body.slice(index + 1), declared.id.name)
      if (completing.length > 0) join(text, declared, declared.id.name, completing)
    }
  }
  return text
}

/** The calls directly after a class that take the class: `defineFacts(SomeError, …)`. */
function completingStatements(following: readonly ESTree.Statement[], name: string): readonly ESTree.Statement[] {
  const end = following.findIndex((statement) => !completes(statement, name))
  return following.slice(0, end === -1 ? undefined : end)
}

function completes(statement: ESTree.Statement, name: string): boolean {
  if (statement.type !== 'ExpressionStatement' || statement.expression.type !== 'CallExpression') return false
  const first = statement.expression.arguments[0]
  const target = first?.type === 'MemberExpression' ? first.object : first
  return target?.type === 'Identifier' && target.name === name
}

/** Turns a class and the calls that complete it into one expression without effects, as compilers of decorators do. */
function join(text: MagicString, declared: ESTree.Class, name: string, completing: readonly ESTree.Statement[]): void {
  text.appendLeft(declared.start, `const ${name} = ${PURE}(() => {\n`)
  text.appendRight((completing.at(-1) as ESTree.Statement).end, `\nreturn ${name}\n})();\n`)
}

/**
 * Marks what computes the constants of a module, outside functions and classes.
 *
 * A call gets a mark. Bundlers do not trust a spread or the text of a value in a template, and neither can have a mark:
 * a constant with one of them becomes the result of a marked function.
 */
function markConstants(text: MagicString, program: ESTree.Program): void {
  let isTrusted = true
  let calls: number[] = []
  let bodies = 0
  const enterBody = (): void => {
    bodies += 1
  }
  const leaveBody = (): void => {
    bodies -= 1
  }
  const addCall = ({ start }: ESTree.Node): void => {
    if (bodies === 0) calls.push(start)
  }
  const distrust = (): void => {
    if (bodies === 0) isTrusted = false
  }
  new Visitor({
    VariableDeclarator() {
      if (bodies > 0) return
      isTrusted = true
      calls = []
    },
    'VariableDeclarator:exit'({ init }) {
      if (bodies > 0 || init === null) return
      if (isTrusted) for (const start of calls) text.appendLeft(start, PURE)
      else text.appendLeft(init.start, `${PURE}(() => (`).appendRight(init.end, '))()')
    },
    ArrowFunctionExpression: enterBody,
    'ArrowFunctionExpression:exit': leaveBody,
    FunctionDeclaration: enterBody,
    'FunctionDeclaration:exit': leaveBody,
    FunctionExpression: enterBody,
    'FunctionExpression:exit': leaveBody,
    ClassBody: enterBody,
    'ClassBody:exit': leaveBody,
    CallExpression: addCall,
    NewExpression: addCall,
    SpreadElement: distrust,
    TemplateLiteral({ expressions }) {
      if (expressions.length > 0) distrust()
    },
  }).visit(program)
}
