package models

// Recipe is how a network is trained, with every default filled in. Everything
// in it is part of the configuration's identity.
type Recipe struct {
	Optimizer     string  `json:"optimizer"`     // adam, sgd or momentum
	Momentum      float64 `json:"momentum"`      // momentum only, in [0, 1)
	Epsilon       float64 `json:"epsilon"`       // adam only, > 0
	LearningRate  float64 `json:"learning_rate"` // > 0
	Schedule      string  `json:"schedule"`      // constant, cosine (to zero over Steps), step or exponential
	WeightDecay   float64 `json:"weight_decay"`  // >= 0, decoupled, on weights and not on biases
	Batch         int     `json:"batch"`         // images a step, >= 1
	Steps         int     `json:"steps"`         // >= 1
	Init          string  `json:"init"`          // paper, he or glorot
	Precision     string  `json:"precision"`     // float32, bfloat16 or tf32
	Order         string  `json:"order"`         // per_seed or shared
	Deterministic bool    `json:"deterministic"` // TensorFlow's deterministic kernels

	// Keys added later leave the configurations that do not use them unchanged.
	Quantize string   `json:"quantize,omitempty"` // "" or int8: quantization-aware training
	Teacher  *Teacher `json:"teacher,omitempty"`

	Every          int     `json:"every,omitempty"`           // schedules step and exponential: steps to a factor, >= 1
	Factor         float64 `json:"factor,omitempty"`          // schedules step (all at once) and exponential (bit by bit), in (0, 1)
	Warmup         int     `json:"warmup,omitempty"`          // steps in which the rate rises in proportion; 0: none
	Nesterov       bool    `json:"nesterov,omitempty"`        // momentum only
	LabelSmoothing float64 `json:"label_smoothing,omitempty"` // share of the target spread over all classes, in [0, 1)
}

// Teacher is a trained network whose soft outputs join the labels.
type Teacher struct {
	Run         string  `json:"run"`         // the trained configuration's ID and seed, "config-id/seed-n"
	Digest      string  `json:"digest"`      // SHA-256 of its weights
	Temperature float64 `json:"temperature"` // > 0
	Weight      float64 `json:"weight"`      // share of the soft loss, in [0, 1]
}

// Values of the recipe's named settings.
const (
	Adam     = "adam"
	SGD      = "sgd"
	Momentum = "momentum"

	Constant    = "constant"
	Cosine      = "cosine"
	Stepwise    = "step"
	Exponential = "exponential"

	InitPaper  = "paper"  // weights: truncated normal, sd 0.1; biases: 0.1 (the author's scripts)
	InitHe     = "he"     // weights: truncated normal, sd sqrt(2/fan-in); biases: 0
	InitGlorot = "glorot" // weights: uniform, limit sqrt(6/(fan-in + fan-out)); biases: 0

	Float32  = "float32"
	BFloat16 = "bfloat16"
	TF32     = "tf32" // float32 whose products a GPU may take to 10 bits of mantissa; a CPU computes float32

	Int8 = "int8"

	PerSeed = "per_seed" // each seed has its own order of images
	Shared  = "shared"   // all seeds see the images in one order; init and dropout still differ
)

// DefaultRecipe is the paper's: Adam at 1e-4, batch 50, 20,000 steps, and
// TensorFlow's epsilon of 1e-8.
func DefaultRecipe() Recipe {
	return Recipe{
		Optimizer: Adam, Momentum: 0.9, Epsilon: 1e-8, LearningRate: 1e-4, Schedule: Constant,
		Batch: 50, Steps: 20000, Init: InitPaper, Precision: Float32, Order: PerSeed,
	}
}
