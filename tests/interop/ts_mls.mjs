// Clients of ts-mls, driven from outside: a request in JSON on each line, its answer on the next.

import { createInterface } from "node:readline"
import * as mls from "ts-mls"

const version = "mls10"
const utf8 = new TextEncoder()
const hex = (bytes) => Buffer.from(bytes).toString("hex")
const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"))
const encode = (wireformat, content) => hex(mls.encodeMlsMessage({ version, wireformat, ...content }))
const decode = (text) => mls.decodeMlsMessage(unhex(text), 0)[0]

function lifetime() {
  const now = BigInt(Math.floor(Date.now() / 1000))
  return { notBefore: now - 3600n, notAfter: now + 86400n }
}

class Client {
  static async new(name, suiteId) {
    const client = new Client()
    const suite = Object.keys(mls.ciphersuites).find((key) => mls.ciphersuites[key] === suiteId)
    client.suite = await mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(suite))
    client.keys = await client.suite.signature.keygen()
    client.credential = { credentialType: "basic", identity: utf8.encode(name) }
    client.capabilities = {
      versions: [version],
      ciphersuites: [suite],
      extensions: [],
      proposals: [],
      credentials: ["basic"],
    }
    return client
  }

  async newPackage() {
    const { credential, capabilities, keys, suite } = this
    const made = mls.generateKeyPackageWithKey
    this.package = await made(credential, capabilities, lifetime(), [], keys, suite)
    return this.package
  }

  async keyPackage() {
    const { publicPackage } = await this.newPackage()
    return { package: encode("mls_key_package", { keyPackage: publicPackage }) }
  }

  async create(groupId) {
    const { publicPackage, privatePackage } = await this.newPackage()
    const id = unhex(groupId)
    this.state = await mls.createGroup(id, publicPackage, privatePackage, [], this.suite)
    return {}
  }

  async join(welcome) {
    const { publicPackage, privatePackage } = this.package
    const { welcome: opened } = decode(welcome)
    const psks = mls.emptyPskIndex
    this.state = await mls.joinGroup(opened, publicPackage, privatePackage, psks, this.suite)
    return {}
  }

  async commit(packages, removes, wireAsPublicMessage) {
    const adds = packages.map(decode).map(({ keyPackage }) => ({ proposalType: "add", add: { keyPackage } }))
    const removals = removes.map((removed) => ({ proposalType: "remove", remove: { removed } }))
    const made = await mls.createCommit(
      { state: this.state, cipherSuite: this.suite },
      { extraProposals: [...removals, ...adds], ratchetTreeExtension: true, wireAsPublicMessage },
    )
    this.state = made.newState
    const welcome = made.welcome && encode("mls_welcome", { welcome: made.welcome })
    return { commit: hex(mls.encodeMlsMessage(made.commit)), welcome: welcome ?? null }
  }

  async process(message) {
    const done = await mls.processMessage(
      decode(message),
      this.state,
      mls.emptyPskIndex,
      mls.acceptAll,
      this.suite,
    )
    this.state = done.newState
    const removed = this.state.groupActiveState.kind === "removedFromGroup"
    return { data: done.kind === "applicationMessage" ? hex(done.message) : null, removed }
  }

  async protect(data) {
    const made = await mls.createApplicationMessage(this.state, unhex(data), this.suite)
    this.state = made.newState
    return { message: encode("mls_private_message", { privateMessage: made.privateMessage }) }
  }

  async groupInfo() {
    const made = mls.createGroupInfoWithExternalPubAndRatchetTree
    const groupInfo = await made(this.state, [], this.suite)
    return { groupInfo: encode("mls_group_info", { groupInfo }) }
  }

  async enter(groupInfo, resync) {
    const { publicPackage, privatePackage } = await this.newPackage()
    const info = decode(groupInfo).groupInfo
    const made = await mls.joinGroupExternal(info, publicPackage, privatePackage, resync, this.suite)
    this.state = made.newState
    return { commit: encode("mls_public_message", { publicMessage: made.publicMessage }) }
  }

  async restore() {
    const { clientConfig } = this.state
    const [stored] = mls.decodeGroupState(mls.encodeGroupState(this.state), 0)
    this.state = { ...stored, clientConfig }
    return {}
  }

  async view(label, context, length) {
    const { keySchedule, groupContext } = this.state
    const secret = keySchedule.exporterSecret
    const exported = await mls.mlsExporter(secret, label, unhex(context), length, this.suite)
    return {
      epoch: Number(groupContext.epoch),
      exported: hex(exported),
      treeHash: hex(groupContext.treeHash),
    }
  }
}

const clients = new Map()

async function answer({ client, ask, given }) {
  if (ask === "new") {
    clients.set(client, await Client.new(...given))
    return {}
  }
  return await clients.get(client)[ask](...given)
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = await answer(JSON.parse(line)).catch((error) => ({ error: String(error) }))
  console.log(JSON.stringify(said))
}
