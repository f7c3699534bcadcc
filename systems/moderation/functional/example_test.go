package functional_test

import (
	"fmt"
	"strings"

	"orrery.dev/systems/moderation/functional"
)

// A list of forbidden words is no detector of hate speech.
func Example() {
	suite := functional.Builtin()
	cases := suite.Cases(nil)
	hateful := make([]bool, len(cases))
	for i, c := range cases {
		hateful[i] = strings.Contains(c.Text, "fuck")
	}
	report, err := functional.Score(cases, hateful)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range report.Functionalities {
		if f.Name == "threat_direct" || f.Name == "identity_neutral" {
			fmt.Printf("%s: %.2f\n", f.Name, f.Accuracy)
		}
	}
	// Output:
	// threat_direct: 0.00
	// identity_neutral: 1.00
}
