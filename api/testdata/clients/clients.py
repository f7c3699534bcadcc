"""Drives a server with clients of the Perspective API: Google's own, and the
package perspective. Both are as they come but for the address."""
import sys

from googleapiclient import discovery, errors
from perspective.perspective import PerspectiveAPI

root, key, text, other = sys.argv[1:5]

google = discovery.build("commentanalyzer", "v1alpha1", developerKey=key, static_discovery=False,
                         discoveryServiceUrl=root + "/$discovery/rest?version=v1alpha1")
comments = google.comments()
asked = {"TOXICITY": {}, "IDENTITY_ATTACK": {"scoreThreshold": 0}}
answer = comments.analyze(body={"comment": {"text": text}, "requestedAttributes": asked, "languages": ["en"],
                                "clientToken": "c1", "spanAnnotations": True}).execute()
scores = {name: a["summaryScore"]["value"] for name, a in answer["attributeScores"].items()}
assert set(scores) == set(asked), answer
assert 0.5 < scores["TOXICITY"] <= 1, answer
assert answer["languages"] == ["en"] and answer["clientToken"] == "c1", answer
assert answer["attributeScores"]["TOXICITY"]["spanScores"][0]["end"] == len(text), answer
assert comments.suggestscore(body={"comment": {"text": text}, "clientToken": "c1",
                                   "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}}}).execute() == {"clientToken": "c1"}
for body, status, reason in [
    ({"comment": {"text": text}, "requestedAttributes": {"INSULT": {}}}, 400, "INSULT"),
    ({"comment": {"text": ""}, "requestedAttributes": asked}, 400, "COMMENT_EMPTY"),
    ({"comment": {"text": text}, "requestedAttributes": asked, "languages": ["ko"]}, 400, "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"),
]:
    try:
        comments.analyze(body=body).execute()
        raise AssertionError(body)
    except errors.HttpError as e:
        assert e.resp.status == status and reason in str(e), e
wrong = discovery.build("commentanalyzer", "v1alpha1", developerKey="wrong", static_discovery=False,
                        discoveryServiceUrl=root + "/$discovery/rest?version=v1alpha1")
try:
    wrong.comments().analyze(body={"comment": {"text": text}, "requestedAttributes": asked}).execute()
    raise AssertionError("a wrong key was taken")
except errors.HttpError as e:
    assert e.resp.status == 400 and "API_KEY_INVALID" in str(e), e

client = PerspectiveAPI(key)
client.api_client.url = client.api_client.url.replace("https://commentanalyzer.googleapis.com", root)
assert client.score(text, tests=["TOXICITY"]) == {"TOXICITY": scores["TOXICITY"]}
full = client.analyze_comment(other, requested_attributes={"TOXICITY": {"scoreType": "PROBABILITY"}}, languages=["en"], do_not_store=True,
                              client_token="c2", session_id="s", community_id="k", comment_type="PLAIN_TEXT", context=[{"text": "before", "type": "PLAIN_TEXT"}])
assert full["attributeScores"]["TOXICITY"]["summaryScore"]["value"] < 0.5 and full["clientToken"] == "c2", full
assert client.suggest_score(other, {"TOXICITY": {"summaryScore": {"value": 0}}}, validate=False, client_token="c3") == {"clientToken": "c3"}
print("clients.py: all is well")
