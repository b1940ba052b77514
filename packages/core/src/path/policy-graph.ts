import type { Budget } from './limits.ts'
import { anyPolicy } from './policy-extensions.ts'

/** A node of the valid_policy_graph (RFC 9618 section 3.1). One for each policy and depth, whatever leads to it: a tree would grow exponentially. */
interface PolicyNode {
  readonly validPolicy: string
  expected: ReadonlySet<string>
  readonly parents: readonly PolicyNode[]
  children: number
  isDeleted: boolean
}

/** The valid_policy_graph of a path while it is walked from the anchor to the target; empty stands for NULL. */
export interface PolicyGraph {
  readonly isNull: boolean
  /** RFC 5280 section 6.1.3 (d): a certificate's policies. `allowsAny`: its anyPolicy counts. */
  addPolicies(policies: ReadonlySet<string>, allowsAny: boolean): void
  /** (e): a certificate without policies. */
  clear(): void
  /** 6.1.4 (b). `isAllowed` false takes the mapped policies out. */
  map(mappings: ReadonlyMap<string, ReadonlySet<string>>, isAllowed: boolean): void
  /** The authority-constrained policy set (RFC 9618 section 5.6): `anyPolicy` stands for all. */
  authorityConstrained(): ReadonlySet<string>
}

export function createPolicyGraph(budget: Budget): PolicyGraph {
  let depths: Map<string, PolicyNode>[] = [new Map([[anyPolicy, newNode(anyPolicy, [])]])]

  const add = (level: Map<string, PolicyNode>, validPolicy: string, parents: readonly PolicyNode[]): PolicyNode => {
    budget.spend('policyNodes', 1 + parents.length)
    const node = newNode(validPolicy, parents)
    for (const parent of parents) parent.children++
    level.set(validPolicy, node)
    return node
  }

  /** Takes nodes without children out, upwards; those of the last depth have none yet. */
  const prune = (): void => {
    for (let depth = depths.length - 2; depth >= 0; depth--) {
      for (const node of [...depths[depth]!.values()]) {
        if (node.children > 0) continue
        depths[depth]!.delete(node.validPolicy)
        remove(node)
      }
    }
    if (depths.at(-1)!.size === 0) depths = []
  }

  const remove = (node: PolicyNode): void => {
    if (node.isDeleted) return
    node.isDeleted = true
    for (const parent of node.parents) parent.children--
  }

  return {
    get isNull() {
      return depths.length === 0
    },
    addPolicies(policies, allowsAny) {
      if (depths.length === 0) return
      const above = depths.at(-1)!
      const byExpected = indexByExpected(above)
      const level = new Map<string, PolicyNode>()
      const any = above.get(anyPolicy)
      for (const policy of policies) {
        if (policy === anyPolicy) continue
        // (d) (1) (i), and (ii) where there is none.
        const parents = byExpected.get(policy) ?? (any === undefined ? [] : [any])
        if (parents.length > 0) add(level, policy, parents)
      }
      // (d) (2)
      if (allowsAny && policies.has(anyPolicy)) {
        for (const [policy, parents] of byExpected) if (!level.has(policy)) add(level, policy, parents)
      }
      depths.push(level)
      prune()
    },
    clear() {
      depths = []
    },
    map(mappings, isAllowed) {
      if (depths.length === 0) return
      const level = depths.at(-1)!
      for (const [policy, mapped] of mappings) {
        const node = level.get(policy)
        if (!isAllowed) {
          if (node === undefined) continue
          level.delete(policy)
          remove(node)
        } else if (node !== undefined) {
          node.expected = mapped
        } else {
          // "generate a child node of the node of depth i-1 that has a valid_policy of anyPolicy".
          const parent = level.get(anyPolicy)?.parents[0]
          if (parent !== undefined) add(level, policy, [parent]).expected = mapped
        }
      }
      prune()
    },
    authorityConstrained() {
      const found = new Set<string>()
      if (depths.length === 0) return found
      if (depths.at(-1)!.has(anyPolicy)) return found.add(anyPolicy)
      for (const level of depths) {
        for (const { validPolicy, parents } of level.values()) {
          if (validPolicy !== anyPolicy && parents.every(parent => parent.validPolicy === anyPolicy))
            found.add(validPolicy)
        }
      }
      return found
    },
  }
}

function newNode(validPolicy: string, parents: readonly PolicyNode[]): PolicyNode {
  return { validPolicy, expected: new Set([validPolicy]), parents, children: 0, isDeleted: false }
}

function indexByExpected(level: ReadonlyMap<string, PolicyNode>): Map<string, PolicyNode[]> {
  const index = new Map<string, PolicyNode[]>()
  for (const node of level.values()) {
    for (const policy of node.expected) {
      const nodes = index.get(policy)
      if (nodes === undefined) index.set(policy, [node])
      else nodes.push(node)
    }
  }
  return index
}
