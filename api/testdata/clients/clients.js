// Drives a server with the package perspective-api-client, as it comes but for the
// address, which it has as a constant.
'use strict';
const assert = require('assert');
const Perspective = require('perspective-api-client');
const axios = require(require.resolve('axios', {paths: [require.resolve('perspective-api-client')]}));

const [root, key, text, other] = process.argv.slice(2);
axios.interceptors.request.use(config => {
  config.url = config.url.replace('https://commentanalyzer.googleapis.com', root);
  return config;
});

(async () => {
  const perspective = new Perspective({apiKey: key});
  const answer = await perspective.analyze(text, {attributes: ['toxicity', 'identity_attack']});
  assert(answer.attributeScores.TOXICITY.summaryScore.value > 0.5);
  assert.strictEqual(answer.attributeScores.IDENTITY_ATTACK.summaryScore.type, 'PROBABILITY');
  const mild = await perspective.analyze({comment: {text: other}, languages: ['en'], requestedAttributes: {TOXICITY: {}}}, {doNotStore: false});
  assert(mild.attributeScores.TOXICITY.summaryScore.value < 0.5);
  await assert.rejects(perspective.analyze(text, {attributes: ['insult']}), e => e.message === 'Unknown requested attribute: INSULT' && e.response.status === 400);
  await assert.rejects(perspective.analyze('', {validate: false}), e => e.response.data.error.details[0].errorType === 'COMMENT_EMPTY');
  await assert.rejects(new Perspective({apiKey: 'wrong'}).analyze(text), e => e.response.data.error.details[0].reason === 'API_KEY_INVALID');
  console.log('clients.js: all is well');
})().catch(e => { console.error(e); process.exit(1); });
