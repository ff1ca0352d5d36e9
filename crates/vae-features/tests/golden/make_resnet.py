"""Golden features of torchvision's resnet50 with weights and pictures drawn by a formula.

Run from this folder:  python make_resnet.py

Writes resnet50.json: features of two pictures of 64x64 and one of 96x96, with the versions; and *.pth, small files
of torch.save for the reader of weights.
"""

import json

import numpy as np
import torch
import torchvision


def uniform(name, n):
    """n numbers in [-1, 1): splitmix64 of (FNV-1a of the name) + index, its upper 24 bits."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def weight(name, shape):
    u = torch.from_numpy(uniform(name, int(np.prod(shape)))).reshape(shape)
    if len(shape) == 4:
        return u * np.float32(np.sqrt(6 / (shape[1] * shape[2] * shape[3])))
    if name.endswith("running_mean") or name.endswith("bias"):
        return u * np.float32(0.25)
    return np.float32(1) + u * np.float32(0.5)


torch.set_num_threads(1)
model = torchvision.models.resnet50(weights=None).eval()
state = {}
for name, tensor in model.state_dict().items():
    counter = name.endswith("num_batches_tracked")
    state[name] = tensor if counter or name.startswith("fc.") else weight(name, tuple(tensor.shape))
model.load_state_dict(state)
model.fc = torch.nn.Identity()

mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
cases = []
for name, shape in (("pictures", (2, 3, 64, 64)), ("larger", (1, 3, 96, 96))):
    x = torch.from_numpy((uniform(name, int(np.prod(shape))) + 1) / 2).reshape(shape)
    with torch.no_grad():
        features = model((x - mean) / std)
    cases.append({"name": name, "shape": shape, "features": [[float(f"{v:.8g}") for v in row] for row in features.tolist()]})
with open("resnet50.json", "w") as file:
    json.dump({"versions": {"torch": torch.__version__, "torchvision": torchvision.__version__}, "cases": cases}, file,
              separators=(",", ":"))
    file.write("\n")

# What the reader of files must understand: a Parameter, a buffer of integers, doubles, a view into a larger storage.
whole = torch.arange(12, dtype=torch.float32)
torch.save({
    "a.weight": torch.nn.Parameter(torch.tensor([[1.5, -2.0], [0.25, 3.0]])),
    "a.count": torch.tensor(7),
    "b": torch.tensor([1.0, 2.0], dtype=torch.float64),
    "c": whole[4:10].view(2, 3),
}, "tiny.pth")
module = torch.nn.Linear(2, 1)
with torch.no_grad():
    module.weight.copy_(torch.tensor([[1.5, -2.0]]))
    module.bias.copy_(torch.tensor([0.5]))
torch.save(module.state_dict(), "linear.pth")
torch.save({"t": torch.arange(6.0).view(2, 3).T}, "transposed.pth")
torch.save({"t": torch.ones(2)}, "legacy.pth", _use_new_zipfile_serialization=False)
