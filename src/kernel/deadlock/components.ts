/** Finds the ends of chains of waits among stuck threads: rings, knots, and objects which nobody can release. */

import { gone, type WaitGraph } from './wait-graph.ts'

/**
 * The terminal strongly connected components among these: sets of nodes, each of which leads to all others and to
 * nothing else. Those in which nothing waits for anything of its own are left out.
 */
export function knots(graph: WaitGraph, found: readonly number[]): number[][] {
  const among = new Set(found)
  return components(graph, among).filter((component) => {
    const own = new Set(component)
    const onward = component.flatMap((node) => [...graph.onward(node)])
    return onward.length > 0 && onward.every((node) => own.has(node)) && component.every((node) => !endsAt(graph, node))
  })
}

/** Whether what the node waits for can be released by nobody at all. */
export function endsAt(graph: WaitGraph, node: number): boolean {
  const to = graph.next[node]!
  return to === gone || (to > 0 && graph.next[to] === gone && graph.isLock(to))
}

/**
 * The threads of a knot in order round it, from this one on, where each waits for one other of them; null where several
 * could release one.
 */
export function ringFrom(graph: WaitGraph, start: number): number[] | null {
  const ring: number[] = []
  for (let at = start; !ring.includes(at); ) {
    ring.push(at)
    const next = threadAfter(graph, at)
    if (next === null) return null
    at = next
    if (at === start) return ring
  }
  return null
}

/** The only thread that can release it. Preconditions: it is in a knot. */
function threadAfter(graph: WaitGraph, node: number): number | null {
  let at = node
  do {
    const onward = [...graph.onward(at)]
    if (onward.length !== 1) return null
    at = onward[0]!
  } while (!graph.isThread(at))
  return at
}

interface Visit {
  readonly node: number
  readonly onward: Iterator<number>
}

/** Tarjan's, without recursion: chains of waits may be long. */
function components(graph: WaitGraph, among: ReadonlySet<number>): number[][] {
  const all: number[][] = []
  const order = new Map<number, number>()
  const low = new Map<number, number>()
  const stack: number[] = []
  const onStack = new Set<number>()
  const visits: Visit[] = []
  const enter = (node: number) => {
    order.set(node, order.size)
    low.set(node, order.get(node)!)
    stack.push(node)
    onStack.add(node)
    visits.push({ node, onward: graph.onward(node) })
  }
  const lower = (node: number, to: number) => low.set(node, Math.min(low.get(node)!, to))
  const leave = (node: number) => {
    visits.pop()
    const above = visits.at(-1)
    if (above !== undefined) lower(above.node, low.get(node)!)
    if (low.get(node) !== order.get(node)) return
    const component = stack.splice(stack.lastIndexOf(node))
    for (const each of component) onStack.delete(each)
    all.push(component)
  }
  for (const start of among) {
    if (order.has(start)) continue
    enter(start)
    for (let visit = visits.at(-1); visit !== undefined; visit = visits.at(-1)) {
      const { done, value } = visit.onward.next()
      if (done) leave(visit.node)
      else if (!order.has(value)) {
        if (among.has(value)) enter(value)
      } else if (onStack.has(value)) lower(visit.node, order.get(value)!)
    }
  }
  return all
}
