import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

const source = join(import.meta.dirname, '../../src')
const countersName = '__fleetcertFuzzCounters'
const maxCounters = 1 << 14

/** The package with a counter in every branch: its index, its `/der` index, and the counters. */
export interface Instrumented {
  readonly x509: typeof import('../../src/index.ts')
  readonly der: typeof import('../../src/der/index.ts')
  /** One number per branch: how often it was entered since it was last set to 0. */
  readonly counters: Uint32Array
}

/**
 * Loads a copy of `src` in which every function body, branch, loop body, `case` and lazily evaluated operand counts how often it is entered.
 * The counts are the coverage that guides the fuzzer, and their sum is the work done, which does not depend on the machine.
 */
export async function instrument(): Promise<Instrumented> {
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-fuzz-'))
  try {
    let count = 0
    const next = () => count++
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
    for (const file of globSync('**/*.ts', { cwd: source })) {
      const { outputText } = ts.transpileModule(readFileSync(join(source, file), 'utf8'), {
        fileName: file,
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          rewriteRelativeImportExtensions: true,
          verbatimModuleSyntax: true,
        },
        transformers: { before: [countingTransformer(next)] },
      })
      const target = join(directory, file.replace(/\.ts$/, '.js'))
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, `const ${countersName} = globalThis.${countersName};\n${outputText}`)
    }
    if (count > maxCounters) throw new Error('more branches than counters')
    const counters = new Uint32Array(count)
    Object.assign(globalThis, { [countersName]: counters })
    const load = (file: string) => import(/* @vite-ignore */ pathToFileURL(join(directory, file)).href)
    return { x509: await load('index.js'), der: await load('der/index.js'), counters }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function countingTransformer(next: () => number): ts.TransformerFactory<ts.SourceFile> {
  return context => {
    const { factory } = context
    const count = () =>
      factory.createPostfixIncrement(
        factory.createElementAccessExpression(factory.createIdentifier(countersName), next()),
      )
    const counted = (expression: ts.Expression) =>
      factory.createParenthesizedExpression(factory.createComma(count(), expression))
    const statements = (list: readonly ts.Statement[]) => [factory.createExpressionStatement(count()), ...list]
    const block = (statement: ts.Statement): ts.Block =>
      factory.createBlock(statements(ts.isBlock(statement) ? statement.statements : [statement]), true)
    const isLazy = (kind: ts.SyntaxKind) =>
      kind === ts.SyntaxKind.AmpersandAmpersandToken ||
      kind === ts.SyntaxKind.BarBarToken ||
      kind === ts.SyntaxKind.QuestionQuestionToken

    const visit = (original: ts.Node): ts.Node => {
      const node = ts.visitEachChild(original, visit, context)
      if (ts.isIfStatement(node)) {
        const otherwise = node.elseStatement && block(node.elseStatement)
        return factory.updateIfStatement(node, node.expression, block(node.thenStatement), otherwise)
      }
      if (ts.isForStatement(node)) {
        return factory.updateForStatement(
          node,
          node.initializer,
          node.condition,
          node.incrementor,
          block(node.statement),
        )
      }
      if (ts.isForOfStatement(node)) {
        return factory.updateForOfStatement(
          node,
          node.awaitModifier,
          node.initializer,
          node.expression,
          block(node.statement),
        )
      }
      if (ts.isWhileStatement(node)) return factory.updateWhileStatement(node, node.expression, block(node.statement))
      if (ts.isDoStatement(node)) return factory.updateDoStatement(node, block(node.statement), node.expression)
      if (ts.isCaseClause(node)) return factory.updateCaseClause(node, node.expression, statements(node.statements))
      if (ts.isDefaultClause(node)) return factory.updateDefaultClause(node, statements(node.statements))
      if (ts.isCatchClause(node)) return factory.updateCatchClause(node, node.variableDeclaration, block(node.block))
      if (ts.isConditionalExpression(node)) {
        return factory.createConditionalExpression(
          node.condition,
          node.questionToken,
          counted(node.whenTrue),
          node.colonToken,
          counted(node.whenFalse),
        )
      }
      if (ts.isBinaryExpression(node) && isLazy(node.operatorToken.kind)) {
        return factory.createBinaryExpression(node.left, node.operatorToken, counted(node.right))
      }
      if (ts.isArrowFunction(node)) {
        const body = ts.isBlock(node.body) ? block(node.body) : counted(node.body)
        return factory.updateArrowFunction(
          node,
          node.modifiers,
          node.typeParameters,
          node.parameters,
          node.type,
          node.equalsGreaterThanToken,
          body,
        )
      }
      if (ts.isFunctionDeclaration(node) && node.body) {
        return factory.updateFunctionDeclaration(
          node,
          node.modifiers,
          node.asteriskToken,
          node.name,
          node.typeParameters,
          node.parameters,
          node.type,
          block(node.body),
        )
      }
      if (ts.isMethodDeclaration(node) && node.body) {
        return factory.updateMethodDeclaration(
          node,
          node.modifiers,
          node.asteriskToken,
          node.name,
          node.questionToken,
          node.typeParameters,
          node.parameters,
          node.type,
          block(node.body),
        )
      }
      return node
    }
    return file => ts.visitEachChild(file, visit, context)
  }
}
