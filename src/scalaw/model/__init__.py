"""What is uncertain: priors as distributions, noises, the scaling model, simulation."""

from scalaw.model.check_noise import check_noise
from scalaw.model.noise import Noise, get_noise, noises
from scalaw.model.scaling_model import ScalingModel
from scalaw.model.simulate import simulate

__all__ = ["Noise", "ScalingModel", "check_noise", "get_noise", "noises", "simulate"]
