// Drives a server with Google's own client, as it comes but for the address of the
// discovery document: with googleapis where that is installed, else with
// googleapis-common, which has all of it but the descriptions of Google's APIs.
'use strict';
const assert = require('assert');

const [root, key, text, other] = process.argv.slice(2);
const url = root + '/$discovery/rest?version=v1alpha1';

async function connect(key) {
  let google;
  try {
    ({google} = require('googleapis'));
  } catch (e) {
    const {Discovery} = require('googleapis-common');
    return (await new Discovery({debug: false, includePrivate: false}).discoverAPI(url))({auth: key}, {_options: {}});
  }
  return google.discoverAPI(url, {auth: key});
}

(async () => {
  const client = await connect(key);
  const asked = {TOXICITY: {}, IDENTITY_ATTACK: {scoreThreshold: 0}};
  const ask = body => client.comments.analyze({resource: body});
  const {data, status} = await ask({comment: {text}, requestedAttributes: asked, languages: ['en'], clientToken: 'g1', spanAnnotations: true});
  assert.strictEqual(status, 200);
  assert.deepStrictEqual(Object.keys(data.attributeScores).sort(), ['IDENTITY_ATTACK', 'TOXICITY']);
  assert(data.attributeScores.TOXICITY.summaryScore.value > 0.5);
  assert.strictEqual(data.attributeScores.TOXICITY.spanScores[0].end, text.length);
  assert.strictEqual(data.clientToken, 'g1');
  // With requestBody, the other way that the client takes a body.
  const mild = await client.comments.analyze({requestBody: {comment: {text: other}, requestedAttributes: {TOXICITY: {}}, doNotStore: true}});
  assert(mild.data.attributeScores.TOXICITY.summaryScore.value < 0.5);
  const suggested = await client.comments.suggestscore({resource: {comment: {text}, clientToken: 'g1', attributeScores: {TOXICITY: {summaryScore: {value: 0}}}}});
  assert.deepStrictEqual(suggested.data, {clientToken: 'g1'});
  for (const [body, reason] of [
    [{comment: {text}, requestedAttributes: {INSULT: {}}}, /INSULT/],
    [{comment: {text: ''}, requestedAttributes: asked}, /COMMENT_EMPTY/],
    [{comment: {text}, requestedAttributes: asked, languages: ['ko']}, /LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE/],
  ]) {
    await assert.rejects(ask(body), e => e.status === 400 && reason.test(JSON.stringify(e.response.data)));
  }
  const wrong = await connect('wrong');
  await assert.rejects(wrong.comments.analyze({resource: {comment: {text}, requestedAttributes: asked}}), e => e.status === 400 && /API_KEY_INVALID/.test(JSON.stringify(e.response.data)));
  console.log('google.js: all is well');
})().catch(e => { console.error(e); process.exit(1); });
