/** Lists the names that a TypeScript file declares: variables, parameters, functions, classes, members and types. */

import { type Node, type Program, Visitor, type VisitorObject } from 'oxc-parser'

export interface DeclaredName {
  readonly name: string
  readonly start: number
}

/** Adds the names that a binding introduces, which may be a destructuring pattern. */
function addBinding(names: DeclaredName[], node: Node | null | undefined): void {
  if (node === null || node === undefined) return
  if (node.type === 'Identifier') names.push({ name: node.name, start: node.start })
  else if (node.type === 'ObjectPattern') for (const property of node.properties) addBinding(names, property)
  else if (node.type === 'Property') addBinding(names, node.value)
  else if (node.type === 'ArrayPattern') for (const element of node.elements) addBinding(names, element)
  else if (node.type === 'AssignmentPattern') addBinding(names, node.left)
  else if (node.type === 'RestElement') addBinding(names, node.argument)
  else if (node.type === 'TSParameterProperty') addBinding(names, node.parameter)
}

interface Keyed {
  readonly key: Node
  readonly computed?: boolean
}

/** Adds the name of a member. Computed and quoted keys are values, not names. */
function addKey(names: DeclaredName[], { key, computed }: Keyed): void {
  if (computed) return
  if (key.type === 'Identifier' || key.type === 'PrivateIdentifier') names.push({ name: key.name, start: key.start })
}

function bindingVisitor(names: DeclaredName[]): VisitorObject {
  const callable = ({ id, params }: { id?: Node | null; params: readonly Node[] }): void => {
    addBinding(names, id)
    for (const parameter of params) addBinding(names, parameter)
  }
  const named = ({ id }: { id: Node | null }): void => addBinding(names, id)
  const imported = ({ local }: { local: Node }): void => addBinding(names, local)
  return {
    VariableDeclarator: named,
    FunctionDeclaration: callable,
    FunctionExpression: callable,
    ArrowFunctionExpression: callable,
    TSFunctionType: callable,
    TSDeclareFunction: callable,
    TSEmptyBodyFunctionExpression: callable,
    ClassDeclaration: named,
    ClassExpression: named,
    TSTypeAliasDeclaration: named,
    TSInterfaceDeclaration: named,
    TSCallSignatureDeclaration: callable,
    TSNamedTupleMember: (node) => addBinding(names, node.label),
    ExportSpecifier(node) {
      if (node.local.start !== node.exported.start) addBinding(names, node.exported)
    },
    TSTypeParameter: (node) => addBinding(names, node.name),
    CatchClause: (node) => addBinding(names, node.param),
    ImportDefaultSpecifier: imported,
    ImportNamespaceSpecifier: imported,
    ImportSpecifier(node) {
      if (node.local.start !== node.imported.start) imported(node)
    },
  }
}

function memberVisitor(names: DeclaredName[]): VisitorObject {
  const member = (node: Keyed): void => addKey(names, node)
  return {
    MethodDefinition: member,
    PropertyDefinition: member,
    AccessorProperty: member,
    TSAbstractMethodDefinition: member,
    TSAbstractPropertyDefinition: member,
    TSPropertySignature: member,
    TSMethodSignature(node) {
      member(node)
      for (const parameter of node.params) addBinding(names, parameter)
    },
    ObjectExpression(node) {
      for (const property of node.properties) if (property.type === 'Property' && !property.shorthand) member(property)
    },
  }
}

export function declaredNames(program: Program): DeclaredName[] {
  const names: DeclaredName[] = []
  new Visitor({ ...bindingVisitor(names), ...memberVisitor(names) }).visit(program)
  return names
}
