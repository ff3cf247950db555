package search

import (
	"encoding/json"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

// Whatever a certificate or a result says, verifying it ends with faults,
// never in a panic or without end.
func TestVerifyHostile(t *testing.T) {
	s := search(t, Options{})
	b, err := json.Marshal(s.cert)
	if err != nil {
		t.Fatal(err)
	}
	cert := string(b)
	winner := resultPath(result.Key{ConfigID: s.cert.Winner.ConfigID, Seed: 0})
	honest := string(s.files[winner])
	replace := func(text, old, new string) string {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("there is no %s to replace", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	for _, c := range []struct{ old, new string }{
		{`"classes":10`, `"classes":-1`}, {`"classes":10`, `"classes":1000000000`}, {`"classes":10`, `"classes":9`},
		{`"validation":5000`, `"validation":0`}, {`"validation":5000`, `"validation":-5`}, {`"test":10000`, `"test":4000000000`},
		{`"test":10000`, `"test":7`}, {`"rule":"worst"`, `"rule":"tolerance"`}, {`"rule":"worst"`, `"rule":"mean"`},
		{`"seeds":[0,1,2]`, `"seeds":[]`}, {`"seeds":[0,1,2]`, `"seeds":[0]`}, {`"round":8`, `"round":0`}, {`"round":8`, `"round":1000000000`},
		{`"steps":4000`, `"steps":-4000`}, {`"kernel":[5,5]`, `"kernel":[0,5]`}, {`"filters":4`, `"filters":2000000000`},
		{`"confidence":0.95`, `"confidence":0.4`}, {`"accuracy":0.93`, `"accuracy":2`}, {`"cost":"parameters"`, `"cost":"beauty"`},
		{`"exact":false`, `"exact":true`}, {`"recall_all":0.5`, `"recall_all":7`}, {`"recall":[]`, `"recall":[{"class":-3,"floor":2}]`},
		{`"within":[]`, `"within":[{"cost":"macs","limit":-1}]`}, {`"input":[28,28,1]`, `"input":[0,28,1]`},
	} {
		bad, err := ReadCertificate([]byte(replace(cert, c.old, c.new)))
		if err != nil {
			continue
		}
		x := searched{p: s.p, cert: bad, files: s.files}
		if len(x.verify()) == 0 {
			t.Errorf("%s for %s: no fault", c.new, c.old)
		}
	}
	for _, text := range []string{
		"", "null", "[]", `{"status": "done"}`, `{"config_id": "` + s.cert.Winner.ConfigID + `", "seed": 0, "status": "done"}`,
		replace(honest, `"wrong":{"validation":[[`, `"wrong":{"validation":[[-7,99],[`),
		replace(honest, `"confusion":{"validation":[[`, `"confusion":{"validation":[[],[`),
		replace(honest, `"correct":{"validation":`, `"correct":{"validation":-9`),
		replace(honest, `"status":"done"`, `"status":"dreaming"`),
	} {
		files := map[string][]byte{}
		for k, v := range s.files {
			files[k] = v
		}
		files[winner] = []byte(text)
		x := searched{p: s.p, cert: s.cert, files: files}
		if len(x.verify()) == 0 {
			t.Errorf("%.60s: no fault", text)
		}
	}
}
