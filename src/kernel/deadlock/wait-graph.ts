/**
 * Finds, in the wait-for graph, the threads that are stuck because they wait for one another. A waiting node has one
 * edge, to the node that it waits for: a thread, a lock or a process. The edge of a lock leads to its owner. Any thread
 * of a process may release a node that waits for the process. A node is stuck when it reaches no node that can run.
 *
 * Edges change as waits begin and end; `settle` then finds the nodes that are stuck now or free again. A walk forward
 * finds whether a thread that has just blocked is stuck. It usually ends soon, at the first node that can run. Only if
 * the thread is stuck does the graph also examine the nodes that wait behind it. This is a hot path: see
 * `wait-nodes.ts`.
 */

import { kinds, resized, type WaitNodes } from './wait-nodes.ts'

/** No edge: the node can run. */
export const nobody = 0
/** An edge to an object without an owner: nobody can ever release it. */
export const gone = -1

/** Edge of a process that nodes wait for: the walk continues at each thread of the process. */
const several = -2

const { free, thread: ofThread, lock: ofLock, process: ofProcess } = kinds

/**
 * Steps of a walk without marks. A longer path is walked with marks, because it may lead into a ring that does not
 * contain the first node.
 */
const unmarkedStepsMax = 64

export class WaitGraph {
  /** The edge of each node: another node, `nobody`, `gone` or `several`. */
  next = new Int32Array(64)
  /** Number of threads that wait, for each process. */
  waiting = new Int32Array(64)
  /** The nodes that wait for a node are a linked list: its first node, then the neighbours of each. */
  firstWaiter = new Int32Array(64)
  #after = new Int32Array(64)
  #before = new Int32Array(64)
  #stuck = new Uint8Array(64)
  #marks = new Int32Array(64)
  #mark = 0
  /** Nodes found stuck since the last `takeFound`, including those which are free again. */
  #found: number[] = []
  /** Nodes that were stuck until a node that they wait for could run again. */
  #reopened: number[] = []
  readonly #nodes: WaitNodes

  constructor(nodes: WaitNodes) {
    this.#nodes = nodes
    nodes.follow((size) => {
      this.next = resized(this.next, new Int32Array(size))
      this.waiting = resized(this.waiting, new Int32Array(size))
      this.firstWaiter = resized(this.firstWaiter, new Int32Array(size))
      this.#after = resized(this.#after, new Int32Array(size))
      this.#before = resized(this.#before, new Int32Array(size))
      this.#stuck = resized(this.#stuck, new Uint8Array(size))
      this.#marks = resized(this.#marks, new Int32Array(size))
    })
  }

  isStuck(node: number): boolean {
    return this.#stuck[node] === 1
  }

  isThread(node: number): boolean {
    return this.#nodes.kind[node] === ofThread
  }

  isLock(node: number): boolean {
    return this.#nodes.kind[node] === ofLock
  }

  /** Whether a thread of the process can run. */
  hasFree(process: number): boolean {
    return this.#nodes.living[process]! > this.waiting[process]!
  }

  /** Sets the edge of a node, and reopens the nodes that were stuck with it. Preconditions: inside an update. */
  link(node: number, to: number): void {
    if (this.#stuck[node] === 1) this.reopen(node)
    this.#unlink(node)
    this.next[node] = to
    if (to > 0) {
      const first = this.firstWaiter[to]!
      this.#after[node] = first
      this.#before[node] = 0
      if (first !== 0) this.#before[first] = node
      this.firstWaiter[to] = node
      if (first === 0 && this.#nodes.kind[to] === ofProcess) this.next[to] = several
    }
    if (to !== nobody && this.#nodes.kind[node] === ofThread) this.waiting[this.#nodes.process[node]!]!++
  }

  #unlink(node: number): void {
    const to = this.next[node]!
    if (to === nobody) return
    this.next[node] = nobody
    if (this.#nodes.kind[node] === ofThread) this.waiting[this.#nodes.process[node]!]!--
    if (to === gone) return
    const [after, before] = [this.#after[node]!, this.#before[node]!]
    if (after !== 0) this.#before[after] = before
    if (before !== 0) this.#after[before] = after
    else this.firstWaiter[to] = after
  }

  /** Removes the edge of a process. Preconditions: no node waits for the process. */
  forget(process: number): void {
    this.next[process] = nobody
  }

  waitersOf(node: number): number[] {
    const all: number[] = []
    for (let at = this.firstWaiter[node]!; at !== 0; at = this.#after[at]!) all.push(at)
    return all
  }

  /** Marks a node as no longer stuck, because it may run again, and with it every node that is stuck behind it. */
  reopen(node: number): void {
    const from = this.#reopened.length
    this.#release(node)
    for (let place = from; place < this.#reopened.length; place++)
      this.eachBehind(this.#reopened[place]!, this.#release)
  }

  readonly #release = (node: number): void => {
    if (this.#stuck[node] === 0) return
    this.#stuck[node] = 0
    this.#reopened.push(node)
  }

  /** Visits the nodes that wait for a node. For a thread it also visits the process, if nodes wait for that. */
  protected eachBehind(node: number, visit: (behind: number) => void): void {
    for (let at = this.firstWaiter[node]!; at !== 0; at = this.#after[at]!) visit(at)
    if (this.#nodes.kind[node] !== ofThread) return
    const process = this.#nodes.process[node]!
    // A process may still be marked as stuck although no node waits for it any more. It must not stay marked.
    if (this.firstWaiter[process] !== 0 || this.#stuck[process] === 1) visit(process)
  }

  /** Other nodes that are stuck because these nodes are. */
  behind(from: readonly number[]): number[] {
    const seen = new Set(from)
    const collect = (node: number) => {
      if (this.#stuck[node] === 1) seen.add(node)
    }
    for (const node of seen) this.eachBehind(node, collect)
    return [...seen].slice(from.length)
  }

  /** Yields the nodes that a node waits for. For a process these are its threads. */
  *onward(node: number): Generator<number> {
    const { kind, firstMember, nextMember } = this.#nodes
    if (kind[node] === ofProcess)
      for (let member = firstMember[node]!; member !== 0; member = nextMember[member]!) yield member
    else if (this.next[node]! > 0) yield this.next[node]!
  }

  get hasReopened(): boolean {
    return this.#reopened.length > 0
  }

  get hasFound(): boolean {
    return this.#found.length > 0
  }

  /** Decides which of the reopened nodes are still stuck. @returns All nodes that were reopened. */
  decide(): number[] {
    this.#renewMarks()
    const reopened = this.#reopened
    this.#reopened = []
    this.#decide(reopened.filter((node) => this.#nodes.kind[node] !== free && this.#stuck[node] === 0))
    return reopened
  }

  /** Returns the nodes which were found stuck since the last call and still are. */
  takeFound(): number[] {
    const found = this.#found
    if (found.length === 0) return found
    this.#found = []
    return found.filter((node) => this.#stuck[node] === 1)
  }

  /**
   * Whether a node is stuck. If it is, marks it as stuck, and with it the nodes that it reaches and the nodes behind it
   * that cannot run.
   */
  examine(start: number): boolean {
    this.#renewMarks()
    if (this.#stuck[start] === 1) return true
    if (this.#canReachFast(start)) return false
    const visited = this.#walk(start)
    if (visited === null) return false
    for (const node of visited) this.settleStuck(node)
    this.spread(visited)
    return true
  }

  /** True if the node reaches one that can run; false if that is not known yet. Reads one number for each step. */
  #canReachFast(start: number): boolean {
    const { next } = this
    let from = start
    for (let steps = 0; steps < unmarkedStepsMax; steps++) {
      const at = next[from]!
      if (at <= nobody) return at === nobody || (at === several && this.hasFree(from))
      if (at === start) return false
      from = at
    }
    return false
  }

  /** The node and all nodes that it reaches, except those that are stuck already; null if one of them can run. */
  #walk(start: number): number[] | null {
    const { kind, firstMember, nextMember } = this.#nodes
    const mark = ++this.#mark
    const marks = this.#marks
    const reached = [start]
    marks[start] = mark
    const reach = (node: number) => {
      if (this.#stuck[node] === 1 || marks[node] === mark) return
      marks[node] = mark
      reached.push(node)
    }
    for (let place = 0; place < reached.length; place++) {
      const node = reached[place]!
      if (kind[node] === ofProcess) {
        if (this.hasFree(node)) return null
        for (let member = firstMember[node]!; member !== 0; member = nextMember[member]!) reach(member)
      } else {
        const to = this.next[node]!
        if (to === nobody) return null
        if (to !== gone) reach(to)
      }
    }
    return reached
  }

  /** Clears the marks before their number overflows. Preconditions: no walk is under way. */
  #renewMarks(): void {
    if (this.#mark < 2 ** 30) return
    this.#marks.fill(0)
    this.#mark = 0
  }

  protected settleStuck(node: number): void {
    this.#stuck[node] = 1
    this.#found.push(node)
  }

  /** Marks the nodes that wait behind stuck nodes as stuck, except those that reach a node that can run. */
  protected spread(from: readonly number[]): void {
    const mark = ++this.#mark
    const behind: number[] = []
    const collect = (node: number) => {
      if (this.#stuck[node] === 1 || this.#marks[node] === mark) return
      this.#marks[node] = mark
      behind.push(node)
    }
    for (const node of from) this.eachBehind(node, collect)
    for (let place = 0; place < behind.length; place++) this.eachBehind(behind[place]!, collect)
    if (behind.length > 0) this.#decide(behind)
  }

  /** Decides which of the open nodes are stuck. Preconditions: it is known of every other node whether it is stuck. */
  #decide(open: readonly number[]): void {
    const isOpen = ++this.#mark
    for (const node of open) this.#marks[node] = isOpen
    const able = ++this.#mark
    const queue: number[] = []
    const enable = (node: number) => {
      if (this.#marks[node] !== isOpen) return
      this.#marks[node] = able
      queue.push(node)
    }
    for (const node of open) if (this.#reachesAble(node, isOpen, able)) enable(node)
    for (let place = 0; place < queue.length; place++) this.eachBehind(queue[place]!, enable)
    for (const node of open) if (this.#marks[node] === isOpen) this.settleStuck(node)
  }

  /** Whether the node waits for one that can run. Nodes that are open do not count yet. */
  #reachesAble(node: number, isOpen: number, able: number): boolean {
    const { kind, firstMember, nextMember } = this.#nodes
    const isAble = (to: number) => this.#stuck[to] === 0 && this.#marks[to] !== isOpen && this.#marks[to] !== able
    if (kind[node] !== ofProcess) {
      const to = this.next[node]!
      return to === nobody || (to > 0 && isAble(to))
    }
    if (this.hasFree(node)) return true
    for (let member = firstMember[node]!; member !== 0; member = nextMember[member]!) {
      // A thread whose wait is not traced in this graph counts as free, so here every thread waits.
      if (isAble(member)) return true
    }
    return false
  }
}
